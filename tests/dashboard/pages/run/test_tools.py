"""The tools section of the run page: configured tools, calls, and their validation."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run


def test_configured_and_called_tools_are_compared(
    run_with_all_step_types: dict[str, Any], member_client: Client
) -> None:
    section = open_run(member_client, run_with_all_step_types).region("Tools")
    assert "5 configured, 2 called, 3 never called" in section.text
    assert "Called, but not among the run's tools: undeclared, file_search, list_issues" in section.text
    assert section.table("Configured and called tools").row("never_used").text.startswith("never_used function never")
    assert '"connection": "b1"' in section.text
    assert "Schema, 1 parameter" in section.text


def test_tool_shows_failures_duration_and_output(project: Project, member_client: Client) -> None:
    tools = [factories.function_tool("find"), factories.function_tool("pay")]
    run = factories.run_object(tools=tools, created_at=factories.NOW)
    at = factories.NOW
    find = factories.function_call("find", output='{"error": "gone"}')
    steps = [
        factories.step_object(run, find, created_at=at, completed_at=at + 4),
        factories.step_object(run, factories.function_call("find"), created_at=at, completed_at=at + 8),
        factories.step_object(
            run, factories.function_call("pay", output=None), factories.function_call("find"), status="failed",
            last_error={"code": "server_error", "message": "x"}, created_at=at, completed_at=None, failed_at=at + 60,
        ),
    ]  # fmt: skip
    factories.post(project, run)
    factories.post_steps(project, *steps)
    table = open_run(member_client, run).table("Configured and called tools")
    columns = ("Tool", "Type", "Calls", "Failed", "Mean", "Output")
    assert [table.row("find")[column].text for column in columns] == [
        "find", "function", "3", "1 1 likely", "6 s", "21 chars",
    ]  # fmt: skip
    assert [table.row("pay")[column].text for column in columns] == ["pay", "function", "1", "1", "", ""]
    assert table.row("pay")["Description and schema"].text.startswith("Does pay.")


def test_calls_are_unknown_without_steps(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    assert "It is unknown which tools were called" in open_run(member_client, run).region("Tools").text


def test_null_tools_are_shown_as_null(project: Project, member_client: Client) -> None:
    run = factories.run_object(tools=None)
    factories.post(project, run)
    assert "tools: null" in open_run(member_client, run).region("Tools").text


def test_invalid_calls_are_listed(project: Project, member_client: Client) -> None:
    run = factories.run_object(tools=[factories.function_tool("find", order={"type": "string"})])
    invalid = factories.function_call("find", '{"order": 3, "<script>": 1}')
    steps = [
        factories.step_object(run, factories.function_call("find")),
        factories.step_object(run, invalid, factories.function_call("find", "{")),
        factories.step_object(run, factories.function_call("gone", "[]")),
    ]
    factories.post(project, run)
    factories.post_steps(project, *steps)
    page = open_run(member_client, run)
    assert "3 function calls do not match the run's tool schemas." in page.region("Tools").text
    table = page.table("Validation of function calls")
    columns = ("Call", "Function", "Finding", "Argument")
    assert [[row[column].text for column in columns] for row in table.rows] == [
        ["Step 2", "find", "invalid arguments", "/order"],
        ["Step 2", "find", "unparseable arguments", ""],
        ["Step 3", "gone", "undeclared", ""],
    ]
    first, second, third = table.cells("Message")
    assert first == "expected string, got integer"
    assert second.startswith("Expecting property name")
    assert third == "not among the run's tools"
    timeline = page.region("Timeline").text
    assert "find invalid arguments" in timeline
    assert "Invalid arguments: /order expected string, got integer" in timeline
    assert re.search(r"Tools\s+1 of 1, 3 invalid", page.navigation("Sections").text)


def test_calls_without_tools_are_not_validated(project: Project, member_client: Client) -> None:
    run = factories.run_object(tools=...)
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, factories.function_call("find", "{")))
    page = open_run(member_client, run)
    assert "undeclared" not in page.text
    assert not page.has("region", "Validation of function calls")


def test_more_tools_are_fetched_on_demand(project: Project, member_client: Client) -> None:
    run = factories.run_object(tools=[factories.function_tool(f"tool_{number}") for number in range(128)])
    factories.post(project, run)
    section = open_run(member_client, run).region("Tools")
    assert "128 configured" in section.text
    assert section.has("link", "Show 108 more tools")
    whole = open_run(member_client, run, "?full=tools", target="tools")
    assert "tool_127" in whole.text
    assert whole.field("Filter tools").get("placeholder") == "Filter 128 tools"
