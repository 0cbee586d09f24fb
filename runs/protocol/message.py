"""`thread.message`: from posted members to columns and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from runs.errors import InvalidObject
from runs.protocol import fields, lossless_json, validation_errors

OBJECT = "thread.message"

# Listed messages of the older revision carry no status: they are complete.
ACTIVE = frozenset({"in_progress"})


class ContentPart(Struct):
    """One of `content[]`; kinds and shapes differ between revisions and vendors."""

    type: str


# Stored bits name positions in this list: append only.
KNOWN = (
    fields.identifier("id", "external_id"),
    fields.timestamp("created_at", required=True),
    fields.string("assistant_id"),
    fields.string("thread_id", required=True),
    fields.string("run_id", column="run_external_id"),
    fields.string("status"),
    fields.string("role", required=True),
    fields.json_text("content", list[ContentPart] | str | None),
    fields.timestamp("completed_at"),
    fields.timestamp("incomplete_at"),
    fields.metadata(),
)
_KNOWN_NAMES = frozenset({"object", *(known.name for known in KNOWN)})


class MessageRecord(Struct):
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


def parse(posted: Mapping[str, bytes]) -> MessageRecord:
    """Check a message's posted members and put them into columns. Raises InvalidObject, one problem a field."""
    reading = fields.read(posted, KNOWN)
    problems = [*validation_errors.identity_problems(posted, OBJECT), *reading.problems]
    if problems:
        raise InvalidObject(problems=problems)
    columns = reading.columns
    return MessageRecord(
        **columns,
        absent=reading.absent,
        extra=fields.extra(posted, reading, _KNOWN_NAMES),
        text=_plain_text(columns["content"]),
    )


def members(columns: Mapping[str, Any]) -> dict[str, bytes]:
    """The posted members again, from a message's columns; values are JSON texts."""
    written = fields.write(columns, columns["absent"], KNOWN)
    written = {"id": written.pop("id"), "object": b'"thread.message"', **written}
    if columns["extra"] is not None:
        written.update(lossless_json.fields(columns["extra"].encode()))
    return written


def _plain_text(content: str | None) -> str:
    """The text parts of a message, one paragraph each."""
    value = None if content is None else lossless_json.value(content.encode())
    if isinstance(value, str):
        return lossless_json.clean(value)
    return "\n\n".join(lossless_json.clean(found) for part in value or [] if (found := _part_text(part)))


def _part_text(part: dict[str, Any]) -> str:
    """A part's text: an object with `value` in the protocol, a plain string in some servers."""
    inner = part.get(part["type"])
    found = inner.get("value") if isinstance(inner, dict) else inner
    return found if isinstance(found, str) else ""
