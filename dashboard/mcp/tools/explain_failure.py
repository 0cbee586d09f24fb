"""`explain_failure`: why a run did not succeed."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from dashboard.mcp.filters import MaxTokens, RunId, find_runs
from dashboard.mcp.run_content import describe_question, describe_steps, describe_unread_steps
from dashboard.mcp.run_differences import compare_two_runs, describe_differences
from dashboard.mcp.run_failure import (
    describe_error,
    describe_error_group_of,
    describe_suspects,
    select_failure_steps,
)
from dashboard.mcp.run_summary import summarize_run
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects, nullable
from dashboard.pages.run.steps import fetch_run_steps
from dashboard.ui.posted_object import PostedObject
from runs.models import Assistant, Run


class ExplainFailureArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `explain_failure`."""

    run_id: RunId
    max_tokens: MaxTokens = 6_000


def _explain_failure(context: ToolContext, arguments: ExplainFailureArguments) -> dict[str, Any]:
    run = find_runs(context.project, {"run_id": arguments.run_id})["run_id"]
    posted = PostedObject(run.members())
    steps = fetch_run_steps(run, posted)
    names = Assistant.objects.names_by_id(context.project, {run.assistant_id})
    return {
        "run": summarize_run(run, names, context.links),
        "cut": describe_unread_steps(steps),
        "is_unsuccessful": run.error_group_id is not None,
        "error": describe_error(run, posted),
        "error_group": describe_error_group_of(run, context.links, context.now),
        **describe_suspects(steps),
        "question": describe_question(run),
        "steps": describe_steps(steps, select_failure_steps(steps)),
        "last_completed_run": _compare_with_last_completed(context, run),
    }


def _compare_with_last_completed(context: ToolContext, run: Run) -> dict[str, Any] | None:
    """Return what differs from the assistant's last successful run before; None if there is none."""
    completed_id = Run.objects.last_completed_id_before(run)
    if completed_id is None:
        return None
    completed = find_runs(context.project, {"run": completed_id})["run"]
    comparison = compare_two_runs(context.project, completed, run, context.now)
    described = describe_differences(comparison)
    configuration = described["differences"].get("Configuration", [])
    return {
        "id": completed_id,
        "has_same_configuration": completed.configuration_id == run.configuration_id,
        "configuration": configuration,
        "tool_calls": described["differences"].get("Behaviour", []),
        "metadata": described["differences"].get("Metadata", []),
        "instructions_diff": described["instructions_diff"],
        "tools_diff": described["tools_diff"],
        "url": context.links.comparison(completed_id, run.external_id),
    }


EXPLAIN_FAILURE = McpTool(
    "explain_failure",
    "Explain a failure",
    "Collect what explains why a run failed, ended incomplete or expired: the reported error, how many runs fail in "
    "the same way, failed steps, tool outputs that look like errors, calls that violate their tool's schema, and what "
    "differs from the last successful run of the same assistant (left: that run, right: this one).",
    ExplainFailureArguments,
    _explain_failure,
    {
        "run": {"type": "object"},
        "is_unsuccessful": {"type": "boolean", "description": "False if the run failed in no way."},
        "error": nullable("object"),
        "error_group": nullable("object", "Runs that failed in the same way."),
        "failed_steps": list_of_objects("Steps that failed."),
        "output_errors": list_of_objects("Tool outputs that look like errors; a guess."),
        "invalid_calls": list_of_objects("Calls that do not match the tool's JSON Schema."),
        "steps": list_of_objects("The steps behind these, and the last step."),
        "last_completed_run": nullable("object"),
    },
)
