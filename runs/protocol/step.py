"""`thread.run.step`: the conversion of a step between posted members and table columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol.fields import (
    encode_extra,
    identifier_field,
    json_text_field,
    last_error_field,
    metadata_field,
    parse_fields,
    string_field,
    timestamp_field,
    truncate_indexed,
    usage_field,
    write_fields,
)
from runs.protocol.lossless_json import decode_json, encode_json, split_object
from runs.protocol.validation_errors import check_object_type

STEP_OBJECT = "thread.run.step"

STEP_END_TIMESTAMPS = {
    "cancelled": "cancelled_at",
    "failed": "failed_at",
    "completed": "completed_at",
    "expired": "expired_at",
}
TERMINAL_STEP_STATUSES = frozenset(STEP_END_TIMESTAMPS)


class FunctionCall(Struct):
    """`function` of a tool call; `output` is null until it is submitted."""

    name: str | None = None
    arguments: str | None = None
    output: str | None = None


class StepToolCall(Struct):
    """An element of `tool_calls[]`. Vendors add types of their own, so only common fields are validated."""

    type: str
    id: str | None = None
    name: Any = None
    function: FunctionCall | None = None


class StepDetails(Struct):
    """`step_details` of type message_creation, tool_calls, or a vendor's own type."""

    type: str
    message_creation: dict[str, Any] | None = None
    tool_calls: list[StepToolCall] | None = None


# The bits of the column `absent` name positions in this list: append only.
STEP_FIELDS = (
    identifier_field("id", "external_id"),
    timestamp_field("created_at", required=True),
    identifier_field("run_id", "run_external_id"),
    identifier_field("assistant_id", required=False),
    identifier_field("thread_id", required=False),
    string_field("type", required=True),
    string_field("status", required=True),
    timestamp_field("cancelled_at"),
    timestamp_field("completed_at"),
    timestamp_field("expired_at"),
    timestamp_field("failed_at"),
    last_error_field(),
    json_text_field("step_details", StepDetails | None, column="details"),
    usage_field(),
    metadata_field(),
    timestamp_field("expires_at"),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in STEP_FIELDS)})


class StepColumns(Struct):
    """The columns of a step that come from the posted object."""

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
    posted_created_at: datetime | None = None  # set by `runs.ingest.implausible_times`
    position: int = 0  # set by `runs.derivation`


def parse_step(posted: Mapping[str, bytes]) -> StepColumns:
    """Validate a step's posted members and convert them to columns. Raises InvalidObject."""
    parsed = parse_fields(posted, STEP_FIELDS)
    problems = [*check_object_type(posted, STEP_OBJECT), *parsed.problems]
    if problems:
        raise InvalidObject(problems=problems)
    columns = parsed.columns
    calls = parse_tool_calls(columns["details"])
    return StepColumns(
        **columns,
        absent=parsed.absent,
        extra=encode_extra(posted, parsed, _KNOWN_NAMES),
        ended_at=columns.get(STEP_END_TIMESTAMPS.get(columns["status"], "")),
        tool_types=[truncate_indexed(call["type"]) for call in calls],
        tool_names=[truncate_indexed(get_tool_name(call)) for call in calls],
    )


def build_step_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """Rebuild the posted members, as JSON texts, from a step's columns."""
    members = write_fields(columns, columns["absent"], STEP_FIELDS)
    members = {"id": members.pop("id"), "object": b'"thread.run.step"', **members}
    if columns["extra"] is not None:
        members.update(split_object(columns["extra"].encode()))
    return members


def parse_tool_calls(details: str | None) -> list[dict[str, Any]]:
    """Return the tool calls of stored `step_details`, in order."""
    if details is None or '"tool_calls"' not in details:
        return []
    calls: list[dict[str, Any]] = decode_json(details.encode()).get("tool_calls") or []
    return calls


def tool_output_size(call: dict[str, Any]) -> int | None:
    """Return the size of a call's output in bytes, None if there is none.

    A string counts with its own bytes, any other value with its JSON.
    """
    body = call.get(call["type"])
    if isinstance(body, dict):
        output = body.get("output", body.get("outputs", body.get("results")))
    else:
        output = call.get("output")
    if output is None or output == []:
        return None
    if isinstance(output, str):
        return len(output) if output.isascii() else len(output.encode(errors="surrogatepass"))
    return len(encode_json(output))


def get_tool_name(call: dict[str, Any]) -> str:
    """Return a function's name, else the name at the top level (mcp, connected_agent), else the type."""
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else call.get("name")
    return name if isinstance(name, str) and name else str(call["type"])
