"""`thread.run.step`: from posted members to columns and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol import fields, lossless_json, usage, validation_errors

STEP_OBJECT = "thread.run.step"

STEP_END_TIMESTAMPS = {
    "cancelled": "cancelled_at",
    "failed": "failed_at",
    "completed": "completed_at",
    "expired": "expired_at",
}
TERMINAL_STEP_STATUSES = frozenset(STEP_END_TIMESTAMPS)


class FunctionCall(Struct):
    """A function's call; the output is null until it was submitted."""

    name: str | None = None
    arguments: str | None = None
    output: str | None = None


class StepToolCall(Struct):
    """One of `tool_calls[]`. Every vendor has kinds of its own, so only what is common is checked."""

    type: str
    id: str | None = None
    name: Any = None
    function: FunctionCall | None = None


class StepDetails(Struct):
    """`step_details`: message_creation, tool_calls, or a vendor's own kind."""

    type: str
    message_creation: dict[str, Any] | None = None
    tool_calls: list[StepToolCall] | None = None


# Stored bits name positions in this list: append only.
STEP_FIELDS = (
    fields.identifier_field("id", "external_id"),
    fields.timestamp_field("created_at", required=True),
    fields.identifier_field("run_id", "run_external_id"),
    fields.string_field("assistant_id"),
    fields.string_field("thread_id"),
    fields.string_field("type", required=True),
    fields.string_field("status", required=True),
    fields.timestamp_field("cancelled_at"),
    fields.timestamp_field("completed_at"),
    fields.timestamp_field("expired_at"),
    fields.timestamp_field("failed_at"),
    fields.last_error_field(),
    fields.json_text_field("step_details", StepDetails | None, column="details"),
    usage.usage_field(),
    fields.metadata_field(),
    fields.timestamp_field("expires_at"),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in STEP_FIELDS)})


class StepColumns(Struct):
    """A step as its table's columns hold it."""

    external_id: str
    created_at: datetime
    run_external_id: str
    assistant_id: str | None
    thread_id: str | None
    type: str
    status: str
    cancelled_at: datetime | None
    completed_at: datetime | None
    expired_at: datetime | None
    failed_at: datetime | None
    expires_at: datetime | None
    error_code: str | None
    error_message: str | None
    details: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    metadata: Any
    absent: int
    extra: str | None
    ended_at: datetime | None
    tool_types: list[str]
    tool_names: list[str]


def parse_step(posted: Mapping[str, bytes]) -> StepColumns:
    """Check a step's posted members and put them into columns. Raises InvalidObject, one problem a field."""
    reading = fields.parse_fields(posted, STEP_FIELDS)
    problems = [*validation_errors.check_object_type(posted, STEP_OBJECT), *reading.problems]
    if problems:
        raise InvalidObject(problems=problems)
    columns = reading.columns
    types, names = _tool_types_and_names(columns["details"])
    return StepColumns(
        **columns,
        absent=reading.absent,
        extra=fields.encode_extra(posted, reading, _KNOWN_NAMES),
        ended_at=columns.get(STEP_END_TIMESTAMPS.get(columns["status"], "")),
        tool_types=types,
        tool_names=names,
    )


def build_step_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """The posted members again, from a step's columns; values are JSON texts."""
    written = fields.write_fields(columns, columns["absent"], STEP_FIELDS)
    written = {"id": written.pop("id"), "object": b'"thread.run.step"', **written}
    if columns["extra"] is not None:
        written.update(lossless_json.split_object(columns["extra"].encode()))
    return written


def parse_tool_calls(details: str | None) -> list[dict[str, Any]]:
    """The tool calls of stored `step_details`, in order."""
    if details is None or '"tool_calls"' not in details:
        return []
    found: list[dict[str, Any]] = lossless_json.decode_json(details.encode()).get("tool_calls") or []
    return found


def tool_output_size(call: dict[str, Any]) -> int | None:
    """The bytes of a call's output: of a text itself, else of its JSON; None where none was recorded."""
    kind = call["type"]
    body = call.get(kind)
    if isinstance(body, dict):
        output = body.get("output", body.get("outputs", body.get("results")))
    else:
        output = call.get("output")
    if output is None or output == []:
        return None
    if isinstance(output, str):
        return len(output) if output.isascii() else len(output.encode(errors="surrogatepass"))
    try:
        return len(msgspec.json.encode(output))
    except UnicodeEncodeError:
        return len(json.dumps(output, separators=(",", ":")))


def _tool_types_and_names(details: str | None) -> tuple[list[str], list[str]]:
    """The kinds and the names of a step's tool calls, one each a call."""
    found = parse_tool_calls(details)
    types = [lossless_json.clean_text(call["type"])[: fields.MAX_INDEXED_LENGTH] for call in found]
    return types, [lossless_json.clean_text(_tool_name(call))[: fields.MAX_INDEXED_LENGTH] for call in found]


def _tool_name(call: dict[str, Any]) -> str:
    """A function's name; a flat call's own name (mcp, connected_agent); else the kind."""
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else call.get("name")
    return name if isinstance(name, str) else str(call["type"])
