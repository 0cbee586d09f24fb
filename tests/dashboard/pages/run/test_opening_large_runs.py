"""What the page of a run with a thousand steps and five thousand tool calls opens with, and how the rest is reached."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.enrichment.search_index import index_search_texts
from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run, run_url

STEP_COUNT, CALLS_PER_STEP = 1_000, 5
# Those of a usual run, and five for what a large one doesn't read: its totals, all its steps, and the notable ones.
MAX_QUERIES = 25
MAX_BYTES = 150_000  # before compression


def make_steps(run: dict[str, Any], count: int, calls_per_step: int, **changes: Any) -> list[dict[str, Any]]:
    """Return steps with calls whose outputs say which call they are of, such as "output 7-2"."""
    return [
        factories.step_object(
            run,
            *(
                factories.function_call(
                    f"tool_{index}", output=json.dumps({"text": f"output {n}-{index}", "pad": "x" * 500})
                )
                for index in range(1, calls_per_step + 1)
            ),
            **{"id": f"step_{n}", "created_at": run["created_at"] + n, "completed_at": run["created_at"] + n} | changes,
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture
def large_run(project: Project) -> dict[str, Any]:
    """A run of 1,000 steps with 5,000 tool calls."""
    tools = [factories.function_tool(f"tool_{index}") for index in range(1, CALLS_PER_STEP + 1)]
    run = factories.run_object(id="run_large", tools=tools)
    factories.post(project, run)
    factories.post_steps(project, *make_steps(run, STEP_COUNT, CALLS_PER_STEP))
    return run


def test_first_answer_is_bounded(large_run: dict[str, Any], member_client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = member_client.get(run_url(large_run["id"]))
    read_bytes = sum(len(str(query["sql"])) for query in queries)

    assert len(queries) <= MAX_QUERIES, [query["sql"][:100] for query in queries]
    assert len(response.content) <= MAX_BYTES
    assert read_bytes < MAX_BYTES

    page = open_run(member_client, large_run)
    assert "1,000 steps, 5,000 tool calls" in page.region("Timeline").text
    assert page.region("Timeline").has("link", "Show 100 of 950 more steps")
    late_step = open_run(member_client, large_run, "?branch=990", "more-")
    assert len(late_step.find_all("treeitem")) == CALLS_PER_STEP
    failed = open_run(member_client, large_run, "?name=tool_5", "timeline")
    assert "1,000 of 6,000" in failed.text
    assert "output 990-3" in open_run(member_client, large_run, "?full=row-990-3", "row-990-3").text
    tools = open_run(member_client, large_run, "?full=tools", "tools")
    assert [row["Calls"].text for row in tools.table("Configured and called tools").rows] == ["1000"] * CALLS_PER_STEP


@pytest.fixture
def long_run(project: Project) -> dict[str, Any]:
    """A run that is just too large to be read as a whole at first."""
    run = factories.run_object(id="run_long", status="failed", completed_at=None, failed_at=factories.NOW + 900)
    factories.post(project, run)
    factories.post_steps(project, *make_steps(run, 201, 2))
    return run


@pytest.mark.parametrize(
    ("query", "output", "row_id"),
    [("?anchor=step_190-2", "output 190-2", "step_190-2"), ("?full=row-190-2", "output 190-2", "step_190-2")],
)
def test_late_call_is_opened_by_its_link(
    long_run: dict[str, Any], member_client: Client, query: str, output: str, row_id: str
) -> None:
    timeline = open_run(member_client, long_run, query).region("Timeline")

    assert output in timeline.text
    assert row_id in [row.get("id") for row in timeline.find_all("treeitem")]
    assert "output 190-1" not in timeline.text


def test_unknown_anchor_opens_nothing(long_run: dict[str, Any], member_client: Client) -> None:
    assert "xxx" not in open_run(member_client, long_run, "?anchor=step_999").region("Timeline").text


def test_hit_in_late_call_leads_to_it(long_run: dict[str, Any], project: Project, member_client: Client) -> None:
    index_search_texts(project, rest_factor=0.0)
    page = open_run(member_client, long_run, "?list=q%3Doutput%253A%2522output%2520190-2%2522")

    assert page.link("Go to it").url.endswith("full=row-190-2#step_190-2")


def test_failed_steps_that_are_not_drawn_are_linked(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    steps = make_steps(run, 120, 1)
    for step in steps[60:]:
        step |= {"status": "failed", "completed_at": None, "failed_at": factories.NOW + 900}
    factories.post(project, run)
    factories.post_steps(project, *steps)
    page = open_run(member_client, run)

    drawn = {row.get("id") for row in page.region("Timeline").find_all("treeitem")}
    links = [link.url for link in page.region("Overview").find_all("link") if "step_" in link.url]
    assert len(links) == 20
    assert all(link.removeprefix("#") in drawn or link.startswith("?full=row-") for link in links)
    more = page.region("Overview").link("40 more steps failed")
    assert "60 of 120" in open_run(member_client, run, more.url.partition("#")[0]).region("Timeline").text


def test_last_output_explains_failure_of_large_run(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    steps = make_steps(run, 201, 1)
    steps[-1]["step_details"]["tool_calls"][0]["function"]["output"] = '{"error": "no such order"}'
    factories.post(project, run)
    factories.post_steps(project, *steps)

    assert re.search(r"in step 201 ?, looks like an error", open_run(member_client, run).region("Status").text)


def test_message_after_the_first_ones_is_shown(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    messages = [
        factories.message_object(run, f"Answer {n}.", role="assistant", run_id=run["id"]) for n in range(1, 202)
    ]
    created = [{"type": "message_creation", "message_creation": {"message_id": message["id"]}} for message in messages]
    factories.post_messages(project, *messages)
    factories.post_steps(
        project,
        *(factories.step_object(run, type="message_creation", step_details=details) for details in created),
    )
    page = open_run(member_client, run)
    assert "181 more answers are in the thread" in page.region("Overview").text

    for target in ("", "row-150"):
        assert "Answer 150." in open_run(member_client, run, "?full=row-150", target).text


def test_update_keeps_the_drawn_rows(long_run: dict[str, Any], member_client: Client) -> None:
    update = open_run(member_client, long_run, "?seen=other&drawn=150", "run-header")
    rows = [row for row in update.region("Timeline").find_all("treeitem") if row.get("aria-level") == "1"]

    assert len(rows) == 150 + 1  # and the link to more
    assert update.has("link", "Show 51 more steps")


def test_history_of_steps_takes_three_queries(project: Project, member_client: Client) -> None:
    counts = []
    for count in (0, 5, 30):
        run = factories.run_object()
        steps = make_steps(run, 30, 1)
        factories.post(project, run)
        for number, step in enumerate(steps):
            step["id"] = f"{run['id']}_{number}"
        factories.post_steps(project, *steps)
        factories.post_steps(project, *(step | {"metadata": {"n": "1"}} for step in steps[:count]))
        with CaptureQueriesContext(connection) as queries:
            page = open_run(member_client, run)
        counts.append(len(queries))
        assert len(page.table("History of steps").rows if count else []) == min(count, 20)

    assert counts[2] == counts[1] <= counts[0] + 3
