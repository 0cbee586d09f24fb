"""`thread.message`: the conversion of a message between posted members and table columns."""

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
    metadata_field,
    parse_fields,
    string_field,
    timestamp_field,
    write_fields,
)
from runs.protocol.lossless_json import clean_text, decode_json, split_object
from runs.protocol.validation_errors import check_object_type

MESSAGE_OBJECT = "thread.message"

# In the first revision of OpenAI's specification, messages have no status: they are complete.
ACTIVE_MESSAGE_STATUSES = frozenset({"in_progress"})


class ContentPart(Struct):
    """An element of `content[]`. Types and shapes differ between revisions and vendors."""

    type: str


# The bits of the column `absent` name positions in this list: append only.
MESSAGE_FIELDS = (
    identifier_field("id", "external_id"),
    timestamp_field("created_at", required=True),
    identifier_field("assistant_id", required=False),
    identifier_field("thread_id"),
    identifier_field("run_id", "run_external_id", required=False),
    string_field("status"),
    string_field("role", required=True),
    json_text_field("content", list[ContentPart] | str | None),
    timestamp_field("completed_at"),
    timestamp_field("incomplete_at"),
    metadata_field(),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in MESSAGE_FIELDS)})


class MessageColumns(Struct):
    """The columns of a message that come from the posted object."""

    external_id: str
    created_at: datetime
    assistant_id: str | None
    thread_id: str
    run_external_id: str | None
    status: str | None
    role: str
    content: str | None
    completed_at: datetime | None
    incomplete_at: datetime | None
    metadata: Any
    absent: int
    extra: str | None
    text: str
    posted_created_at: datetime | None = None  # set by `runs.ingest.implausible_times`


def parse_message(posted: Mapping[str, bytes]) -> MessageColumns:
    """Validate a message's posted members and convert them to columns. Raises InvalidObject."""
    parsed = parse_fields(posted, MESSAGE_FIELDS)
    problems = [*check_object_type(posted, MESSAGE_OBJECT), *parsed.problems]
    if problems:
        raise InvalidObject(problems=problems)
    return MessageColumns(
        **parsed.columns,
        absent=parsed.absent,
        extra=encode_extra(posted, parsed, _KNOWN_NAMES),
        text=_extract_text(parsed.columns["content"]),
    )


def build_message_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """Rebuild the posted members, as JSON texts, from a message's columns."""
    members = write_fields(columns, columns["absent"], MESSAGE_FIELDS)
    members = {"id": members.pop("id"), "object": b'"thread.message"', **members}
    if columns["extra"] is not None:
        members.update(split_object(columns["extra"].encode()))
    return members


def _extract_text(content: str | None) -> str:
    """Return the text parts of a message, separated by empty lines."""
    value = None if content is None else decode_json(content.encode())
    if isinstance(value, str):
        return clean_text(value)
    return "\n\n".join(clean_text(text) for part in value or [] if (text := get_part_text(part)))


def get_part_text(part: dict[str, Any]) -> str:
    """Return the text of a part: in the protocol `text.value`, in some servers `text` itself; "" of other parts."""
    inner = part.get(part["type"])
    text = inner.get("value") if isinstance(inner, dict) else inner
    return text if isinstance(text, str) else ""
