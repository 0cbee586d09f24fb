"""Build the content of a run: its steps with their calls and outputs, the question, and its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboard.mcp.answer_rendering import BothEndsList
from dashboard.mcp.posted_text import PostedText, posted_text
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.ui.posted_object import PostedObject, as_mapping
from dashboard.ui.tool_call_parts import DisplayedToolCall
from runs.enrichment.function_calls import CallFinding
from runs.models import Message, Run
from runs.protocol.timestamps import milliseconds_between

MAX_METADATA_ENTRIES = 50
# Fields that answers have in a form of their own.
_SHOWN_FIELDS = frozenset({
    *("id", "object", "created_at", "thread_id", "assistant_id", "status", "model", "instructions", "tools"),
    *("metadata", "usage", "last_error", "incomplete_details", "required_action"),
    *("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at"),
})  # fmt: skip


def describe_steps(steps: RunSteps, selected: Iterable[RunPageStep]) -> BothEndsList:
    """Return the selected steps, in their order."""
    return BothEndsList(_describe_step(steps, step) for step in selected)


def describe_unread_steps(steps: RunSteps) -> list[str]:
    """Return what is missing of a run that is too large to be read as a whole."""
    if steps.is_complete:
        return []
    return [f"/steps: {steps.unread_count:,} of {steps.totals.count:,} elements, which are too many to be read at once"]


def describe_pending_calls(steps: RunSteps) -> list[dict[str, Any]]:
    """Return the calls whose outputs or approvals the run waits for."""
    return [_describe_call(steps, call) for call in steps.pending_calls]


def describe_finding(finding: CallFinding, step: RunPageStep | None) -> dict[str, Any]:
    """Return a finding about a function call; `step` is the one with the call."""
    return {
        "function": finding.call.name,
        "problem": str(finding.kind),
        "details": PostedText(finding.message),  # quotes values of the arguments
        "at": finding.pointer or "/",
    } | ({"step_id": step.record.external_id} if step else {})


def describe_configuration(posted: PostedObject) -> dict[str, Any]:
    """Return the instructions, tools and settings of a run."""
    tools = [as_mapping(tool) for tool in posted.list_value("tools")]
    settings = {name: posted.value(name) for name in posted.members if name not in _SHOWN_FIELDS}
    return {
        "instructions": posted_text(posted.value("instructions")),
        "tools": [
            {
                "type": str(tool.get("type")),
                "name": str(as_mapping(tool.get("function")).get("name") or tool.get("server_label") or ""),
                "definition": posted_text(tool),
            }
            for tool in tools
        ],
        "other_fields": posted_text({name: value for name, value in settings.items() if value is not None}),
    }


def describe_metadata(posted: PostedObject) -> list[dict[str, Any]]:
    """Return the first entries of the metadata."""
    entries = list(posted.object_value("metadata").items())
    return [{"key": str(key), "value": posted_text(value)} for key, value in entries[:MAX_METADATA_ENTRIES]]


def describe_question(run: Run) -> dict[str, Any] | None:
    """Return what the user last said in the thread before the run; one query."""
    message = Message.objects.last_question_before(run)
    return None if message is None else describe_message(message)


def describe_message(message: Message) -> dict[str, Any]:
    """Return a message."""
    return {"id": message.external_id, "role": message.role, "text": PostedText(message.text)}


def find_created_message(step: RunPageStep) -> Message | None:
    """Return the message that a step created, None if it created none, or it was not received."""
    creation = as_mapping(as_mapping(step.details).get("message_creation"))
    return step.messages.get(str(creation.get("message_id")))


def _describe_step(steps: RunSteps, step: RunPageStep) -> dict[str, Any]:
    record = step.record
    message = find_created_message(step)
    described: dict[str, Any] = {
        "number": step.number,
        "id": record.external_id,
        "type": record.type,
        "status": record.status,
        "created_at": record.stated_created_at,
        "duration_ms": milliseconds_between(record.stated_created_at, record.ended_at),
        "total_tokens": record.total_tokens,
        "error_code": record.error_code,
        "error_message": posted_text(record.error_message),
        "calls": [_describe_call(steps, call) for call in step.calls],
        "message": describe_message(message) if message else None,
        "details": None if step.calls or message else posted_text(step.details),
    }
    return {name: value for name, value in described.items() if value not in (None, [])}


def _describe_call(steps: RunSteps, call: DisplayedToolCall) -> dict[str, Any]:
    """Return a call. Its content is flat, or in a member that has the name of its type."""
    content = {name: value for name, value in call.posted.items() if name not in ("id", "type", "name", call.type)}
    content |= as_mapping(call.posted.get(call.type))
    content.pop("name", None)
    described: dict[str, Any] = {
        "id": call.id,
        "type": call.type,
        "name": call.name,
        "arguments": posted_text(content.pop("arguments", None)),
        "output": posted_text(content.pop("output", None)),
        "is_waiting": None if call.is_answered else True,
        "looks_like_error": None if call.output_error is None else True,
        "other_content": posted_text(content or None),
        "problems": [describe_finding(finding, None) for finding in steps.findings_of(call)],
    }
    return {name: value for name, value in described.items() if value not in (None, [])}
