"""The timeline of the run page: steps and tool calls with their content."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, open_run, post_run_with_steps, run_url


def test_every_step_type_is_shown(run_with_all_step_types: dict[str, Any], member_client: Client) -> None:
    text = open_run(member_client, run_with_all_step_types).region("Timeline").text
    for fact in (
        "6 steps, 5 tool calls", "Message One moment.", "tool_calls, 2 in parallel", '"query": "48209"',
        '"id": "A"', "not json", "output: null", "print(1)", "Logs one", "File file-7", "policy.md file-1",
        "0.6800102176172463", "Thirty days.", "list_issues", '"server_label": "github"', '"activities": []',
        "server_error Tool broke.", "1 s after the creation of the run",
    ):  # fmt: skip
        assert fact in text, fact


def test_run_without_steps_says_so(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    text = open_run(member_client, run).region("Timeline").text
    assert "No steps of this run were received." in text
    assert "it used 120 prompt tokens and 30 completion tokens" in text


def test_run_without_steps_names_pending_calls(project: Project, member_client: Client) -> None:
    run = factories.waiting_run("issue_refund", "create_label")
    factories.post(project, run)
    assert "it waits for issue_refund, create_label" in open_run(member_client, run).region("Timeline").text


def test_pending_call_has_no_output_yet(project: Project, member_client: Client) -> None:
    now = int(time.time())
    run = factories.waiting_run(created_at=now - 300, started_at=now - 299, expires_at=now + 300)
    call = factories.function_call("issue_refund", output=None)
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, call, status="in_progress", completed_at=None))
    assert "Not submitted yet." in open_run(member_client, run).region("Timeline").text


def test_later_steps_are_one_link_away(project: Project, member_client: Client) -> None:
    run = post_run_with_steps(project, 203)
    page = open_run(member_client, run)
    assert page.region("Timeline").has("link", "Show 100 of 153 more steps")
    assert "203 steps" in page.region("Timeline").text
    assert page.region("Usage").has("link", "Show 173 more steps")
    whole = open_run(member_client, run, "?full=timeline&full=usage")
    assert len(whole.region("Timeline").find_all("treeitem")) == 203
    assert "more step" not in whole.text


def test_failed_step_is_always_drawn(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    steps = [factories.step_object(run, factories.function_call("a")) for _ in range(160)]
    steps[-1] |= {"status": "failed", "last_error": {"code": "server_error", "message": "Tool broke."}}
    factories.post(project, run)
    factories.post_steps(project, *steps)
    timeline = open_run(member_client, run).region("Timeline")
    assert timeline.has("link", "Show 100 of 109 more steps")
    assert steps[-1]["id"] in [element.get("id") for element in timeline.find_all("treeitem")]
    assert "Tool broke." in timeline.text


def test_content_of_long_timeline_is_fetched_on_demand(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    calls = [
        [factories.function_call("a", output=f"output of {number}-{index}") for index in range(1, 3)]
        for number in range(1, 20)
    ]
    factories.post_steps(project, *(factories.step_object(run, *step_calls) for step_calls in calls))
    page = open_run(member_client, run)
    assert "output of 15-2" not in page.text
    [row] = [element for element in page.find_all("group") if element.get("hx-target") == "#row-15-2"]
    assert row.get("hx-trigger") == "toggle once"
    query = row.get("hx-get") or ""
    body = open_run(member_client, run, query, target="row-15-2")
    assert not body.has("main")
    assert "output of 15-2" in body.text
    link = row.link("Show the content").url
    assert "output of 15-2" in open_run(member_client, run, link.partition("#")[0]).text


@pytest.mark.parametrize("target", ["row-", "row-0", "row-99", "row-1-7", "row-x", "row-1" + "0" * 40])
def test_unknown_row_gets_404(project: Project, member_client: Client, target: str) -> None:
    run = post_run_with_steps(project, 1)
    assert member_client.get(run_url(run["id"]), headers=htmx_headers(target)).status_code == 404
