"""`get_run`: what happened in a run."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from dashboard.mcp.filters import MaxTokens, RunId, find_runs
from dashboard.mcp.run_content import (
    describe_configuration,
    describe_message,
    describe_metadata,
    describe_pending_calls,
    describe_question,
    describe_steps,
    describe_unread_steps,
    find_created_message,
)
from dashboard.mcp.run_failure import describe_error, select_failure_steps
from dashboard.mcp.run_summary import summarize_run
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects, nullable
from dashboard.pages.run.steps import RunSteps, fetch_run_steps
from dashboard.ui.posted_object import PostedObject
from runs.analytics.linked_runs import fetch_linked_runs
from runs.models import Assistant, Run, RunReview, RunTag


class GetRunArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `get_run`."""

    run_id: RunId
    part: Literal["whole", "failure"] = "whole"
    max_tokens: MaxTokens = 6_000


def _get_run(context: ToolContext, arguments: GetRunArguments) -> dict[str, Any]:
    run = find_runs(context.project, {"run_id": arguments.run_id})["run_id"]
    posted = PostedObject(run.members())
    steps = fetch_run_steps(run, posted)
    names = Assistant.objects.names_by_id(context.project, {run.assistant_id})
    answer: dict[str, Any] = {
        "run": summarize_run(run, names, context.links),
        "error": describe_error(run, posted),
        "question": describe_question(run),
        "step_count": steps.totals.count,
        "pending_calls": describe_pending_calls(steps),
        "cut": describe_unread_steps(steps),
    }
    if arguments.part == "failure":
        selected = select_failure_steps(steps)
        return answer | {"steps": describe_steps(steps, selected), "left_out": _describe_other_parts(steps, selected)}
    return answer | {
        "steps": describe_steps(steps, steps.steps),
        "messages": _describe_other_messages(steps),
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "usage": _describe_usage(run),
        "metadata": describe_metadata(posted),
        "linked_runs": _describe_linked_runs(run, context),
        "tags": RunTag.objects.names_of(run),
        "review": _describe_review(run),
        "configuration_id": run.configuration_id.hex,
        **describe_configuration(posted),
    }


def _describe_other_messages(steps: RunSteps) -> list[dict[str, Any]]:
    """Return the messages that the run wrote and no step contains."""
    shown = {message.pk for step in steps.steps if (message := find_created_message(step))}
    return [describe_message(message) for message in steps.messages if message.pk not in shown]


def _describe_review(run: Run) -> dict[str, Any] | None:
    """Return who marked the run as reviewed, and when; None if nobody did."""
    review = RunReview.objects.of_run(run)
    return None if review is None else {"reviewer": review.reviewer, "reviewed_at": review.reviewed_at}


def _describe_linked_runs(run: Run, context: ToolContext) -> list[dict[str, str]]:
    """Return the runs in which another source tells of the same work."""
    return [
        {"id": linked.external_id, "source": linked.get_source_display(), "url": context.links.run(linked.external_id)}
        for linked in fetch_linked_runs(run)
    ]


def _describe_usage(run: Run) -> dict[str, int | None]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
    return {name: getattr(run, name) for name in names}


def _describe_other_parts(steps: RunSteps, selected: list[Any]) -> str:
    count = steps.totals.count - len(selected)
    return f"{count:,} other steps, the messages, metadata, tools and instructions; part=whole has them"


GET_RUN = McpTool(
    "get_run",
    "Get a run",
    "Read one run: its question, steps, tool calls with arguments and outputs, messages, usage, metadata, tools and "
    "instructions (part=whole), or only the steps that explain a failure (part=failure). The answer fits into "
    "max_tokens: long texts keep their beginning and end, and `cut` names what was left out.",
    GetRunArguments,
    _get_run,
    {
        "run": {"type": "object"},
        "error": nullable("object"),
        "question": nullable("object", "The last message of a user before the run."),
        "step_count": {"type": "integer"},
        "pending_calls": list_of_objects("Calls that wait for an output or an approval."),
        "steps": list_of_objects("Steps in order, with their calls."),
    },
)
