"""`response`: the validation of a posted object, and what of it is stored in columns beside its JSON.

Fields and types are those of OpenAI's OpenAPI document 2.3.0, and of compatible servers where they were seen to differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from runs.errors import InvalidObject
from runs.protocol.fields import Bigint, ProtocolField, identifier_field, parse_fields, truncate_indexed
from runs.protocol.identifiers import OptionalIdentifier
from runs.protocol.lossless_json import decode_json, join_members
from runs.protocol.responses.items import find_open_calls, get_call_id
from runs.protocol.timestamps import parse_timestamp
from runs.protocol.validation_errors import check_object_type

RESPONSE_OBJECT = "response"

# One gateway writes `complete`.
_STATUS_NAMES = {"complete": "completed"}
ENDED_RESPONSE_STATUSES = frozenset({"completed", "failed", "cancelled", "incomplete"})

UnixTime = Annotated[float, Meta(ge=0, le=2**63 - 1)]


class OutputItem(Struct):
    """An element of `output`. Vendors add types of their own, so only common fields are validated."""

    type: Annotated[str, Meta(min_length=1)]
    id: str | None = None
    call_id: str | None = None
    name: str | None = None


class CachedTokens(Struct):
    """`usage.input_tokens_details`."""

    cached_tokens: Bigint | None = None


class ReasoningTokens(Struct):
    """`usage.output_tokens_details`."""

    reasoning_tokens: Bigint | None = None


class ResponseUsage(Struct):
    """`usage`; details may be absent."""

    input_tokens: Bigint | None = None
    output_tokens: Bigint | None = None
    total_tokens: Bigint | None = None
    input_tokens_details: CachedTokens | None = None
    output_tokens_details: ReasoningTokens | None = None


class ResponseError(Struct):
    """`error` of a response."""

    code: str | int | None = None
    message: str | None = None


class IncompleteReason(Struct):
    """`incomplete_details` of a response."""

    reason: str | None = None


class ConversationReference(Struct):
    """`conversation` of a response."""

    id: OptionalIdentifier = None


class NamedReference(Struct):
    """`prompt`, `agent` or `agent_reference`."""

    id: str | None = None
    name: str | None = None
    version: str | int | None = None


RESPONSE_FIELDS = (
    identifier_field("id", "external_id"),
    ProtocolField("created_at", UnixTime, required=True),
    ProtocolField("completed_at", UnixTime | None),
    ProtocolField("status", str | None),
    ProtocolField("model", str | None),
    ProtocolField("output", list[OutputItem] | None),
    ProtocolField("usage", ResponseUsage | None),
    ProtocolField("error", ResponseError | str | None),
    ProtocolField("incomplete_details", IncompleteReason | None),
    ProtocolField("instructions", str | list[Any] | None),
    ProtocolField("tools", list[dict[str, Any]] | None),
    identifier_field("previous_response_id", required=False),
    ProtocolField("conversation", ConversationReference | OptionalIdentifier),
    ProtocolField("prompt", NamedReference | None),
    ProtocolField("agent", NamedReference | str | None),
    ProtocolField("agent_reference", NamedReference | None),
    ProtocolField("metadata", dict[str, Any] | Annotated[list[Any], Meta(max_length=0)] | None),
)


class ResponseColumns(Struct):
    """The columns of a response that come from the posted object. `body` is its JSON.

    `status` is normalized, None if the object does not say. `is_open` says that the client has to answer an item of
    the output. `item_ids` are the ids of the items of the output, and of the calls among them.
    """

    external_id: str
    created_at: datetime
    completed_at: datetime | None
    status: str | None
    is_open: bool
    item_ids: list[str]
    body: str


class ParsedResponse(Struct):
    """A valid posted response, and the responses and conversation that it names."""

    columns: ResponseColumns
    previous_response_id: str | None
    conversation_id: str | None


def parse_response(posted: Mapping[str, bytes]) -> ParsedResponse:
    """Validate a response's posted members. Raises InvalidObject."""
    parsed = parse_fields(posted, RESPONSE_FIELDS)
    problems = [*check_object_type(posted, RESPONSE_OBJECT), *parsed.problems]
    if problems:
        raise InvalidObject(problems=problems)
    output = decode_json(posted.get("output", b"null")) or []
    completed_at = decode_json(posted.get("completed_at", b"null"))
    columns = ResponseColumns(
        external_id=parsed.columns["external_id"],
        created_at=parse_timestamp(int(decode_json(posted["created_at"]))),
        completed_at=None if completed_at is None else parse_timestamp(int(completed_at)),
        status=normalize_status(decode_json(posted.get("status", b"null")), has_output=bool(output)),
        is_open=bool(find_open_calls(output)),
        item_ids=_find_item_ids(output),
        body=join_members(dict(posted)).decode(),
    )
    conversation = decode_json(posted.get("conversation", b"null"))
    conversation_id = conversation.get("id") if isinstance(conversation, dict) else conversation
    return ParsedResponse(columns, parsed.columns["previous_response_id"], conversation_id or None)


def normalize_status(status: str | None, *, has_output: bool) -> str | None:
    """Return the status by its usual name. A response without one is completed if it has output."""
    if not status:
        return "completed" if has_output else None
    return truncate_indexed(_STATUS_NAMES.get(status, status))


def _find_item_ids(output: list[dict[str, Any]]) -> list[str]:
    ids = (name for item in output for name in (item.get("id"), get_call_id(item)) if isinstance(name, str))
    return [truncate_indexed(name) for name in dict.fromkeys(ids)]
