"""`thread.run`: from posted members to columns and back.

Fields, their types and their history are those of OpenAI's published specification (both revisions) and of
Azure's and other compatible servers, as far as they were seen to differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol import configuration, fields, lossless_json, timestamps, usage, validation_errors
from runs.protocol.configuration import AZURE_TOOL_TYPES, ParsedConfiguration

RUN_OBJECT = "thread.run"

ACTIVE_RUN_STATUSES = frozenset({"queued", "in_progress", "requires_action"})
# The timestamp that tells when each terminal status was reached, and where servers were seen to put it instead.
RUN_END_TIMESTAMPS = {
    "cancelled": ("cancelled_at", "completed_at", "failed_at"),
    "failed": ("failed_at", "completed_at"),
    "completed": ("completed_at",),
    "incomplete": ("completed_at", "failed_at"),
    "expired": ("expires_at", "completed_at", "failed_at"),
}
TERMINAL_RUN_STATUSES = frozenset(RUN_END_TIMESTAMPS)

_V2_FIELDS = frozenset(
    {"max_prompt_tokens", "parallel_tool_calls", "response_format", "tool_choice", "tool_resources", "top_p"}
    | {"truncation_strategy", "max_completion_tokens", "incomplete_details"}
)


class ToolCallFunction(Struct):
    """`function` of a call that is waited for; arguments ought to be JSON, but need not be."""

    name: str
    arguments: str | None = None


class ToolCall(Struct):
    """One call that is waited for; Azure's approvals are flat (`name`, `arguments`, `server_label`)."""

    id: str
    type: str | None = None
    function: ToolCallFunction | None = None
    name: str | None = None
    arguments: str | None = None
    server_label: str | None = None


class ToolCalls(Struct):
    """`submit_tool_outputs` and `submit_tool_approval`."""

    tool_calls: list[ToolCall]


class RequiredAction(Struct):
    """What a run waits for. Unknown types of actions are kept as they are."""

    type: str
    submit_tool_outputs: ToolCalls | None = None
    submit_tool_approval: ToolCalls | None = None


class IncompleteDetails(Struct):
    """Why a run ended early; the reason itself is optional."""

    reason: str | None = None


# Stored bits name positions in this list: append only.
RUN_FIELDS = (
    fields.identifier_field("id", "external_id"),
    fields.timestamp_field("created_at", required=True),
    fields.string_field("assistant_id", required=True),
    fields.string_field("thread_id", required=True),
    fields.string_field("status", required=True),
    fields.timestamp_field("started_at"),
    fields.timestamp_field("expires_at"),
    fields.timestamp_field("cancelled_at"),
    fields.timestamp_field("failed_at"),
    fields.timestamp_field("completed_at"),
    fields.json_text_field("required_action", RequiredAction | None),
    fields.last_error_field(),
    fields.ProtocolField(
        "incomplete_details",
        IncompleteDetails | None,
        ("incomplete_reason",),
        lambda typed, _: (
            None if typed.reason is None else lossless_json.clean_text(typed.reason)[: fields.MAX_INDEXED_LENGTH],
        ),
        lambda reason: {"reason": reason},
    ),
    usage.usage_field(),
    fields.metadata_field(),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in RUN_FIELDS), *configuration.CONFIGURATION_FIELD_TYPES})


class RunColumns(Struct):
    """A run as its table's columns hold it, without what Runglass adds on its own (keys, versions, receipt)."""

    external_id: str
    created_at: datetime
    assistant_id: str
    thread_id: str
    status: str
    started_at: datetime | None
    expires_at: datetime | None
    cancelled_at: datetime | None
    failed_at: datetime | None
    completed_at: datetime | None
    required_action: str | None
    error_code: str | None
    error_message: str | None
    incomplete_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    metadata: Any
    absent: int
    extra: str | None
    # derived from all of that and from the configuration (see `finish`)
    model: str | None = None
    revision: str = ""
    ended_at: datetime | None = None
    duration_ms: int | None = None
    action_type: str | None = None
    awaited: list[str] | None = None
    # assessed when written, by what the protocol does not know (see `runs.enrichment.derived_fields`)
    cost: int | None = None
    error_group_id: uuid.UUID | None = None


class ParsedRun(Struct):
    """A posted run that follows the protocol."""

    record: RunColumns
    configuration: ParsedConfiguration


def parse_run(posted: Mapping[str, bytes]) -> ParsedRun:
    """Check a run's posted members and put them into columns. Raises InvalidObject, one problem a field."""
    reading = fields.parse_fields(posted, RUN_FIELDS)
    problems = [*validation_errors.check_object_type(posted, RUN_OBJECT), *reading.problems]
    try:
        parsed = configuration.parse_configuration(posted)
    except InvalidObject as error:
        raise InvalidObject(problems=[*problems, *error.problems]) from error
    if problems:
        raise InvalidObject(problems=problems)
    record = RunColumns(
        **reading.columns, absent=reading.absent, extra=fields.encode_extra(posted, reading, _KNOWN_NAMES)
    )
    return derive_run_columns(record, parsed, posted)


def derive_run_columns(record: RunColumns, parsed: ParsedConfiguration, names: Collection[str]) -> ParsedRun:
    """Fill in what follows from a run's columns, its configuration and the `names` of its posted members."""
    record.model = parsed.model
    record.revision = _detect_revision(names, parsed, record.required_action)
    record.ended_at = _find_end(record)
    record.duration_ms = timestamps.milliseconds_between(record.created_at, record.ended_at)
    record.action_type, record.awaited = _parse_required_action(record.required_action)
    return ParsedRun(record, parsed)


def build_run_members(columns: Mapping[str, Any], configuration_body: str) -> dict[str, bytes]:
    """The posted members again, from a run's columns and its configuration's body; values are JSON texts."""
    written = fields.write_fields(columns, columns["absent"], RUN_FIELDS)
    written = {"id": written.pop("id"), "object": b'"thread.run"', **written}
    written.update(lossless_json.split_object(configuration_body.encode()))
    if columns["extra"] is not None:
        written.update(lossless_json.split_object(columns["extra"].encode()))
    return written


def _find_end(record: RunColumns) -> datetime | None:
    for name in RUN_END_TIMESTAMPS.get(record.status, ()):
        moment: datetime | None = getattr(record, name)
        if moment is not None:
            return moment
    return None


def _detect_revision(names: Collection[str], parsed: ParsedConfiguration, required_action: str | None) -> str:
    if not AZURE_TOOL_TYPES.isdisjoint(parsed.tool_types) or '"submit_tool_approval"' in (required_action or ""):
        return "azure"
    if "file_ids" in names or "retrieval" in parsed.tool_types or _V2_FIELDS.isdisjoint(names):
        return "v1"
    return "v2"


def _parse_required_action(required_action: str | None) -> tuple[str | None, list[str] | None]:
    """The type of a required action, and the names of the calls that it waits for."""
    if required_action is None:
        return None, None
    action = lossless_json.convert_json(lossless_json.decode_json(required_action.encode()), RequiredAction)
    waiting = action.submit_tool_outputs or action.submit_tool_approval or ToolCalls([])
    names = (call.function.name if call.function else call.name or call.type or "" for call in waiting.tool_calls)
    return lossless_json.clean_text(action.type)[: fields.MAX_INDEXED_LENGTH], [
        lossless_json.clean_text(name) for name in names
    ]
