"""Why a run did not succeed: its error, the steps and calls that show it, and runs that failed in the same way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.posted_text import PostedText, posted_text
from dashboard.mcp.run_content import describe_finding
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.ui.posted_object import PostedObject
from runs.models import Run

MAX_LISTED_FINDINGS = 20
MAX_COUNTED_RUNS = 10_000
_DAY = timedelta(hours=24)


def describe_error(run: Run, posted: PostedObject) -> dict[str, Any] | None:
    """Return the error that the server reported, None for a run that ended well or goes on."""
    error = posted.object_value("last_error")
    reason = posted.object_value("incomplete_details").get("reason")
    if not error and reason is None and run.error_group_id is None:
        return None
    code = error.get("code")
    return {
        "code": None if code is None else str(code),
        "message": posted_text(error.get("message")),
        "incomplete_reason": None if reason is None else str(reason),
    }


def select_failure_steps(steps: RunSteps) -> list[RunPageStep]:
    """Return the steps that failed, have invalid calls or outputs that look like errors, and the last step."""
    blamed = {id(steps.step_of(finding)) for finding in steps.validation.invalid_calls}
    return [
        step
        for step in steps.steps
        if step.is_failed
        or id(step) in blamed
        or any(call.output_error is not None for call in step.calls)
        or step is steps.steps[-1]
    ]


def describe_suspects(steps: RunSteps) -> dict[str, Any]:
    """Return what is suspicious: failed steps, tool outputs that look like errors, and invalid calls."""
    findings = steps.validation.invalid_calls
    return {
        "failed_steps": [
            {
                "step_id": step.record.external_id,
                "number": step.number,
                "title": step.title,
                "error_code": step.record.error_code,
                "error_message": posted_text(step.record.error_message),
            }
            for step in steps.failed
        ],
        "output_errors": [
            {"step_id": step.record.external_id, "tool": call.name, "message": PostedText(call.output_error)}
            for step in steps.steps
            for call in step.calls
            if call.output_error is not None
        ],
        "invalid_calls": [
            describe_finding(finding, steps.step_of(finding)) for finding in findings[:MAX_LISTED_FINDINGS]
        ],
        "invalid_call_count": len({id(finding.call) for finding in findings}),
    }


def describe_error_group_of(run: Run, links: PageLinks, now: datetime) -> dict[str, Any] | None:
    """Return the group of runs that failed in the same way, None for a successful run; three queries."""
    group = run.error_group
    if group is None:
        return None
    runs = Run.objects.in_error_group(group.pk)
    counts = runs.count_similar(run, now - _DAY, MAX_COUNTED_RUNS)
    return {
        "id": group.pk.hex,
        "message": PostedText(group.template),
        "state": group.state,
        "first_run_at": runs.oldest_created_at(),
        "runs_in_last_24_hours": counts["all"],
        "of_this_assistant": counts["assistant"],
        "on_this_model": counts["model"],
        "query": f"error_group:{group.pk.hex[:12]}",
        "url": links.page("error-group", group_id=group.pk),
    }
