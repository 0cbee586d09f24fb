"""Tests for the spans that runs are mapped to."""

from __future__ import annotations

import json

from runs.models import Project
from runs.protocol.otlp import outgoing_requests
from tests import factories
from tests.factories import message_object
from tests.runs.span_export.round_trip import export_otlp, exported_spans, read_attributes
from tests.runs.span_export.test_round_trip import post_conversation


def test_spans_follow_the_conventions(project: Project) -> None:
    run = post_conversation(project)
    factories.post_assistants(project, asst_concierge="Concierge")
    agent, first, search, refund, second = exported_spans(export_otlp(project))
    assert [span["name"] for span in (agent, first, search, refund, second)] == [
        "invoke_agent Concierge",
        "chat gpt-4o-mini",
        "execute_tool search_orders",
        "execute_tool refund",
        "chat gpt-4o-mini",
    ]
    assert {span["parentSpanId"] for span in (first, search, refund, second)} == {agent["spanId"]}
    root = read_attributes(agent)
    assert (root["gen_ai.agent.id"], root["gen_ai.agent.name"]) == ("asst_concierge", "Concierge")
    assert (root["gen_ai.conversation.id"], root["runglass.metadata.customer"]) == ("thread_first", "acme")
    assert json.loads(root["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(root["gen_ai.tool.definitions"])[0]["name"] == "search_orders"
    text = [{"type": "text", "content": "Where is my order?"}]
    assert json.loads(root["gen_ai.input.messages"]) == [{"role": "user", "parts": text}]
    assert (root["input.value"], root["output.value"]) == ("Where is my order?", "It is lost.")
    calls = json.loads(read_attributes(first)["gen_ai.output.messages"])[0]
    assert (calls["finish_reason"], [part["name"] for part in calls["parts"]]) == (
        "tool_calls",
        ["search_orders", "refund"],
    )
    assert json.loads(read_attributes(second)["gen_ai.input.messages"])[0]["role"] == "tool"
    assert read_attributes(second)["gen_ai.usage.input_tokens"] == "60"
    assert "gen_ai.usage.input_tokens" not in root
    times = [int(span["startTimeUnixNano"]) for span in (agent, first, search, refund, second)]
    assert times == sorted(set(times))
    assert times[0] == run["created_at"] * 10**9


def test_ids_do_not_depend_on_the_project(project: Project) -> None:
    run = factories.run_object()
    for place in (project, factories.make_project("copy")):
        factories.post(place, run)
    first, second = (
        [span["traceId"] + span["spanId"] for span in exported_spans(export_otlp(place))]
        for place in (project, factories.make_project("copy"))
    )
    assert first == second


def test_lines_are_bounded(project: Project, monkeypatch) -> None:
    monkeypatch.setattr(outgoing_requests, "MAX_SPANS_PER_REQUEST", 2)
    for _ in range(5):
        factories.post_run(project)
    assert [len(exported_spans([line])) for line in export_otlp(project)] == [2, 2, 1]


def test_only_found_runs_are_exported(project: Project) -> None:
    failed = factories.failed_run()
    factories.post(project, factories.run_object(), failed)
    (span,) = exported_spans(export_otlp(project, "status:failed"))
    assert read_attributes(span)["runglass.run.id"] == failed["id"]
    assert span["status"] == {"code": 2, "message": "Rate limit reached."}


def test_messages_belong_to_one_run(project: Project) -> None:
    for question in ("First?", "Second?"):
        factories.post_messages(project, message_object(text=question))
        factories.post_run(project)
    factories.post_messages(project, message_object(text="Third?"))
    inputs = [read_attributes(span).get("gen_ai.input.messages", "") for span in exported_spans(export_otlp(project))]
    assert ["First?" in inputs[0], "Second?" in inputs[0], "Second?" in inputs[1]] == [True, False, True]
