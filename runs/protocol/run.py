"""`thread.run`: the conversion of a run between posted members and table columns.

Fields and types are those of OpenAI's published specification, in both of its revisions, and of Azure's and other
compatible servers where they were seen to differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol.configuration import (
    AZURE_TOOL_TYPES,
    CONFIGURATION_FIELD_TYPES,
    ParsedConfiguration,
    parse_configuration,
)
from runs.protocol.fields import (
    ProtocolField,
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
from runs.protocol.lossless_json import convert_json, decode_json, split_object
from runs.protocol.timestamps import milliseconds_between
from runs.protocol.validation_errors import check_object_type

RUN_OBJECT = "thread.run"

ACTIVE_RUN_STATUSES = frozenset({"queued", "in_progress", "requires_action"})
# The timestamp of each terminal status, followed by those where servers were seen to put it instead.
RUN_END_TIMESTAMPS = {
    "cancelled": ("cancelled_at", "completed_at", "failed_at"),
    "failed": ("failed_at", "completed_at"),
    "completed": ("completed_at",),
    "incomplete": ("completed_at", "failed_at"),
    "expired": ("expires_at", "completed_at", "failed_at"),
}
TERMINAL_RUN_STATUSES = frozenset(RUN_END_TIMESTAMPS)

# Fields that only the second revision of OpenAI's specification has.
_V2_FIELDS = frozenset(
    {"max_prompt_tokens", "parallel_tool_calls", "response_format", "tool_choice", "tool_resources", "top_p"}
    | {"truncation_strategy", "max_completion_tokens", "incomplete_details"}
)


class ToolCallFunction(Struct):
    """`function` of a pending tool call. `arguments` should be JSON, but servers send other text too."""

    name: str
    arguments: str | None = None


class ToolCall(Struct):
    """A pending tool call. Azure's approvals have `name`, `arguments` and `server_label` at the top level."""

    id: str
    type: str | None = None
    function: ToolCallFunction | None = None
    name: str | None = None
    arguments: str | None = None
    server_label: str | None = None


class ToolCalls(Struct):
    """`submit_tool_outputs` (OpenAI) and `submit_tool_approval` (Azure)."""

    tool_calls: list[ToolCall]


class RequiredAction(Struct):
    """`required_action`. Unknown types of actions are kept as they are."""

    type: str
    submit_tool_outputs: ToolCalls | None = None
    submit_tool_approval: ToolCalls | None = None


class IncompleteDetails(Struct):
    """`incomplete_details`; the reason is optional in OpenAI's specification."""

    reason: str | None = None


# The bits of the column `absent` name positions in this list: append only.
RUN_FIELDS = (
    identifier_field("id", "external_id"),
    timestamp_field("created_at", required=True),
    identifier_field("assistant_id"),
    identifier_field("thread_id"),
    string_field("status", required=True),
    timestamp_field("started_at"),
    timestamp_field("expires_at"),
    timestamp_field("cancelled_at"),
    timestamp_field("failed_at"),
    timestamp_field("completed_at"),
    json_text_field("required_action", RequiredAction | None),
    last_error_field(),
    ProtocolField(
        "incomplete_details",
        IncompleteDetails | None,
        ("incomplete_reason",),
        lambda typed, _: (truncate_indexed(typed.reason) if typed.reason else None,),
        lambda reason: {"reason": reason},
    ),
    usage_field(),
    metadata_field(),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in RUN_FIELDS), *CONFIGURATION_FIELD_TYPES})


class RunColumns(Struct):
    """The columns of a run that come from the posted object, without keys, version and receipt."""

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
    # derived from these and the configuration, by `derive_run_columns`
    model: str | None = None
    revision: str = ""
    ended_at: datetime | None = None
    duration_ms: int | None = None
    action_type: str | None = None
    pending_functions: list[str] | None = None
    # derived from prices and error grouping, by `runs.enrichment.derived_fields`
    cost: int | None = None
    error_group_id: uuid.UUID | None = None
    # set by `runs.derivation` (see `runs.models.RunSource`)
    source: int = 0
    # set by `runs.ingest.implausible_times`
    posted_created_at: datetime | None = None


class ParsedRun(Struct):
    """A valid posted run."""

    columns: RunColumns
    configuration: ParsedConfiguration


def parse_run(posted: Mapping[str, bytes]) -> ParsedRun:
    """Validate a run's posted members and convert them to columns. Raises InvalidObject."""
    parsed = parse_fields(posted, RUN_FIELDS)
    problems = [*check_object_type(posted, RUN_OBJECT), *parsed.problems]
    try:
        configuration = parse_configuration(posted)
    except InvalidObject as error:
        raise InvalidObject(problems=[*problems, *error.problems]) from error
    if problems:
        raise InvalidObject(problems=problems)
    columns = RunColumns(**parsed.columns, absent=parsed.absent, extra=encode_extra(posted, parsed, _KNOWN_NAMES))
    return derive_run_columns(columns, configuration, posted)


def derive_run_columns(
    columns: RunColumns, configuration: ParsedConfiguration, posted_names: Collection[str]
) -> ParsedRun:
    """Fill in the columns that follow from others, from the configuration and from the names of posted members."""
    columns.model = configuration.model
    columns.revision = _detect_revision(posted_names, configuration, columns.required_action)
    columns.ended_at = _find_end(columns)
    columns.duration_ms = milliseconds_between(columns.created_at, columns.ended_at)
    columns.action_type, columns.pending_functions = _parse_required_action(columns.required_action)
    return ParsedRun(columns, configuration)


def build_run_members(columns: Mapping[str, Any], configuration_body: str) -> dict[str, bytes]:
    """Rebuild the posted members, as JSON texts, from a run's columns and the body of its configuration."""
    members = write_fields(columns, columns["absent"], RUN_FIELDS)
    members = {"id": members.pop("id"), "object": b'"thread.run"', **members}
    members.update(split_object(configuration_body.encode()))
    if columns["extra"] is not None:
        members.update(split_object(columns["extra"].encode()))
    return members


def _find_end(columns: RunColumns) -> datetime | None:
    for name in RUN_END_TIMESTAMPS.get(columns.status, ()):
        ended_at: datetime | None = getattr(columns, name)
        if ended_at is not None:
            return ended_at
    return None


def _detect_revision(
    posted_names: Collection[str], configuration: ParsedConfiguration, required_action: str | None
) -> str:
    if not AZURE_TOOL_TYPES.isdisjoint(configuration.tool_types) or '"submit_tool_approval"' in (required_action or ""):
        return "azure"
    if "file_ids" in posted_names or "retrieval" in configuration.tool_types or _V2_FIELDS.isdisjoint(posted_names):
        return "v1"
    return "v2"


def _parse_required_action(required_action: str | None) -> tuple[str | None, list[str] | None]:
    """Return the type of a required action, and the names of the calls that are pending."""
    if required_action is None:
        return None, None
    action = convert_json(decode_json(required_action.encode()), RequiredAction)
    pending = action.submit_tool_outputs or action.submit_tool_approval or ToolCalls([])
    names = (call.function.name if call.function else call.name or call.type or "" for call in pending.tool_calls)
    return truncate_indexed(action.type), [truncate_indexed(name) for name in names]
