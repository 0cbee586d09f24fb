"""`thread.message`: from posted members to columns and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol import fields, lossless_json, validation_errors

MESSAGE_OBJECT = "thread.message"

# Listed messages of the older revision carry no status: they are complete.
ACTIVE_MESSAGE_STATUSES = frozenset({"in_progress"})


class ContentPart(Struct):
    """One of `content[]`; kinds and shapes differ between revisions and vendors."""

    type: str


# Stored bits name positions in this list: append only.
MESSAGE_FIELDS = (
    fields.identifier_field("id", "external_id"),
    fields.timestamp_field("created_at", required=True),
    fields.string_field("assistant_id"),
    fields.string_field("thread_id", required=True),
    fields.string_field("run_id", column="run_external_id"),
    fields.string_field("status"),
    fields.string_field("role", required=True),
    fields.json_text_field("content", list[ContentPart] | str | None),
    fields.timestamp_field("completed_at"),
    fields.timestamp_field("incomplete_at"),
    fields.metadata_field(),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in MESSAGE_FIELDS)})


class MessageColumns(Struct):
    """A message as its table's columns hold it."""

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


def parse_message(posted: Mapping[str, bytes]) -> MessageColumns:
    """Check a message's posted members and put them into columns. Raises InvalidObject, one problem a field."""
    reading = fields.parse_fields(posted, MESSAGE_FIELDS)
    problems = [*validation_errors.check_object_type(posted, MESSAGE_OBJECT), *reading.problems]
    if problems:
        raise InvalidObject(problems=problems)
    columns = reading.columns
    return MessageColumns(
        **columns,
        absent=reading.absent,
        extra=fields.encode_extra(posted, reading, _KNOWN_NAMES),
        text=_extract_text(columns["content"]),
    )


def build_message_members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """The posted members again, from a message's columns; values are JSON texts."""
    written = fields.write_fields(columns, columns["absent"], MESSAGE_FIELDS)
    written = {"id": written.pop("id"), "object": b'"thread.message"', **written}
    if columns["extra"] is not None:
        written.update(lossless_json.split_object(columns["extra"].encode()))
    return written


def _extract_text(content: str | None) -> str:
    """The text parts of a message, one paragraph each."""
    value = None if content is None else lossless_json.decode_json(content.encode())
    if isinstance(value, str):
        return lossless_json.clean_text(value)
    return "\n\n".join(lossless_json.clean_text(found) for part in value or [] if (found := _extract_part_text(part)))


def _extract_part_text(part: dict[str, Any]) -> str:
    """A part's text: an object with `value` in the protocol, a plain string in some servers."""
    inner = part.get(part["type"])
    found = inner.get("value") if isinstance(inner, dict) else inner
    return found if isinstance(found, str) else ""
