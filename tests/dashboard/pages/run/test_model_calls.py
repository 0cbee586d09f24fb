"""The model calls of a run side by side, of responses and of traces."""

from __future__ import annotations

from django.test import Client

from runs.models import Project
from tests.dashboard.pages.run.run_pages import htmx_headers, run_url
from tests.pages import Page, Table
from tests.responses import answer, call, call_output, post_responses, response_object
from tests.runs.traces.spans import TRACE_ID, agent, chat, ingest_otlp, messages


def open_model_calls(client: Client, run_id: str) -> Table:
    response = client.get(run_url(run_id) + "?full=model-calls", headers=htmx_headers("model-calls"))
    assert response.status_code == 200
    return Page(response).table("Model calls")


def row_of(table: Table, heading: str) -> list[str]:
    """Return the cells of the row with that heading, without the heading."""
    row = next(row for row in table.element.find_all("row") if row.has("rowheader", heading))
    return [cell.text for cell in row.find_all("cell")]


def test_calls_of_a_trace_stand_side_by_side(member_client: Client, project: Project) -> None:
    root = agent("planner")
    first, second = ("user", "Where is it?"), ("assistant", "One moment.")
    outputs = [{"gen_ai.output.messages": messages(("assistant", text))} for text in ("One moment.", "In Oslo.")]
    ingest_otlp(
        project,
        root,
        chat(root, start=1, tokens=(10, 5), **{"gen_ai.input.messages": messages(first)} | outputs[0]),
        chat(
            root,
            start=2,
            tokens=(20, 7),
            **{"gen_ai.input.messages": messages(first, second, ("user", "Go on."))} | outputs[1],
        ),
    )
    table = open_model_calls(member_client, f"trace_{TRACE_ID}_{root['spanId']}")
    assert row_of(table, "Tokens") == ["10 in, 5 out", "20 in, 7 out"]
    assert row_of(table, "Model") == ["gpt-4o-mini"] * 2
    inputs = row_of(table, "Input")
    assert "Where is it?" in inputs[0]
    assert "1 message as in the previous call" in inputs[1]
    assert "Where is it?" not in inputs[1]
    assert "In Oslo." in row_of(table, "Output")[1]


def test_calls_of_a_turn_stand_side_by_side(member_client: Client, project: Project) -> None:
    asked = call("search_orders")
    first = response_object({"id": "rs_1", "type": "reasoning", "summary": [{"text": "Thinking."}]}, asked)
    second = response_object(answer("Two orders."), previous_response_id=first["id"], at=9)
    post_responses(
        project,
        {"request": {"input": "How many orders?"}, "response": first},
        {"request": {"input": [call_output(asked, "2 found")]}, "response": second},
    )
    table = open_model_calls(member_client, first["id"])
    assert row_of(table, "Duration") == ["3 s", "3 s"]
    assert row_of(table, "Tokens") == ["120 in, 30 out"] * 2
    assert "How many orders?" in row_of(table, "Input")[0]
    assert "2 found" in row_of(table, "Input")[1]
    assert "Thinking." in row_of(table, "Output")[0]
    assert "search_orders" in row_of(table, "Output")[0]
    assert "Two orders." in row_of(table, "Output")[1]
