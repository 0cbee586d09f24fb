"""The errors section of the run page: reported errors, likely errors in outputs, and similar runs."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from dashboard.ui import formats
from runs.models import Project, User
from runs.team.error_groups import build_assignee_change, decide_on_error_groups
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run


def test_last_error_is_shown(project: Project, member_client: Client) -> None:
    run = factories.failed_run("rate_limit_exceeded", "Rate limit reached.")
    factories.post(project, run)
    errors = open_run(member_client, run).region("Errors")
    assert errors.definition("last_error.code").text == "rate_limit_exceeded"
    assert errors.definition("last_error.message").text == "Rate limit reached."


def test_failed_step_is_linked(run_with_all_step_types: dict[str, Any], member_client: Client) -> None:
    page = open_run(member_client, run_with_all_step_types)
    assert "Failed in step 6 of 6: activities" in page.region("Overview").text
    failed_steps = page.region("Errors").definition("Failed steps")
    assert failed_steps.text == "Step 6, activities: server_error Tool broke."
    ids = {element.get("id") for element in page.iterate()}
    anchors = {link.url[1:] for link in page.main.find_all("link") if link.url.startswith("#")}
    assert failed_steps.link().url[1:] in anchors
    assert anchors <= ids


@pytest.fixture
def run_failed_by_tool(project: Project) -> dict[str, Any]:
    """A failed run whose last tool output is an error, after another error and a success."""
    run = factories.failed_run("server_error", "The run failed.")
    calls = [
        factories.function_call("find_order", output='{"error": "no <such> order"}'),
        factories.function_call("find_order", output='{"order": "A-1", "note": "no error"}'),
        factories.function_call("issue_refund", output="HTTP 503 Service Unavailable"),
    ]
    at = run["created_at"]
    steps = [factories.step_object(run, call, created_at=at + place) for place, call in enumerate(calls, 1)]
    factories.post(project, run)
    factories.post_steps(project, *steps, factories.step_object(run, created_at=at + 5))
    return run


def test_output_errors_are_marked_as_likely(run_failed_by_tool: dict[str, Any], member_client: Client) -> None:
    page = open_run(member_client, run_failed_by_tool)
    outputs = page.region("Errors").definition("Tool outputs").text
    assert "Step 1, find_order looks like an error: no <such> order" in outputs
    assert "Step 3, issue_refund looks like an error: HTTP 503 Service Unavailable" in outputs
    assert "Step 2" not in page.region("Errors").text
    assert re.search(r"Errors\s+1, 2 likely", page.navigation("Sections").text)
    assert page.region("Timeline").text.count("error?") == 2
    status = page.region("Status").text
    assert "The last tool output, of issue_refund in step 3, looks like an error: HTTP 503" in status


def test_output_error_does_not_explain_success(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, factories.function_call("find", output="Error: none")))
    page = open_run(member_client, run)
    assert "looks like an error: Error: none" in page.region("Errors").text
    assert "looks like an error" not in page.region("Status").text


def test_earlier_output_error_explains_nothing(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    at = run["created_at"]
    calls = [factories.function_call("a", output="Error: x"), factories.function_call("b", output="fine")]
    factories.post(project, run)
    factories.post_steps(
        project, *(factories.step_object(run, call, created_at=at + n) for n, call in enumerate(calls))
    )
    assert "looks like an error" not in open_run(member_client, run).region("Status").text


def test_similar_runs_are_counted_and_linked(project: Project, member_client: Client) -> None:
    now = int(time.time())
    run = factories.failed_run("rate_limit", created_at=now - 60)
    others = [
        factories.failed_run("rate_limit", created_at=now - 90, assistant_id="asst_other"),
        factories.failed_run("rate_limit", created_at=now - 90, model="o3"),
        factories.failed_run("rate_limit", created_at=now - 90_000),
        factories.failed_run("server_error", created_at=now - 90),
        factories.failed_run("rate_limit", "Something else.", created_at=now - 90),
    ]
    factories.post(project, run, *others)
    page = open_run(member_client, run)
    errors = page.region("Errors")
    assert "Rate limit reached. rate_limit, since" in errors.text
    assert "3 runs ended like this in the last 24 hours." in page.region("Status").text
    assert "In the last 24 hours:" in errors.text
    assert formats.format_timestamp(datetime.fromtimestamp(now - 90_000, UTC)) in errors.text
    expected = {  # the indexes of the others that are listed beside the run itself
        "all runs": {0, 1, 2},
        "3 total": {0, 1},
        "2 this assistant": {1},
        "2 this model": {0},
    }
    for name, indexes in expected.items():
        listed = member_client.get(errors.link(name).url).content.decode()
        assert run["id"] in listed
        assert {index for index, other in enumerate(others) if other["id"] in listed} == indexes


def test_long_error_message_is_truncated(project: Project, member_client: Client) -> None:
    run = factories.failed_run("x", "m" * 9000 + "THE END")
    factories.post(project, run)
    assert "Show all 9,007 characters" in open_run(member_client, run).region("Errors").text


def test_state_and_assignee_of_the_group_are_shown(member_client: Client, member: User, project: Project) -> None:
    posted = factories.failed_run("server_error", "Sorry.")
    run = factories.post_run(project, **posted)
    assert run.error_group is not None
    change = build_assignee_change(project, member.get_username())
    decide_on_error_groups(project, [run.error_group.pk], change, member)
    factories.decide(run.error_group, "ignored", member)
    text = open_run(member_client, posted).region("Errors").text
    assert f"ignored assigned to {member.get_username()}" in text
