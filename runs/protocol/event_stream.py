"""The parser of recorded event streams.

A stream consists of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each an
`event:` and a `data:` line and a blank line; the data of the last event is `[DONE]`. Servers differ in the space after
the colon, and some send comments as pings. Recordings lose the blank lines, which the specification would read as one
event. Since data is JSON, its end tells where the next event begins.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise

# Also a string that is not closed, which JSON can't continue on the next line.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<is_closed>")?|[\[\]{}]', re.DOTALL)
_JSON_OPENING = (b"{", b"[")
# What comes before a nested value in JSON.
_BEFORE_VALUE = (b"[", b",", b":")


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event: its name ("" if the stream has none), its data as JSON, and the line where it begins."""

    name: str
    data: bytes
    line: int | None = None


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line of a recorded stream that is not a field, a comment or blank."""

    text: bytes
    line: int


@dataclass(slots=True)
class _PendingEvent:
    """The fields of an event whose end is not known yet."""

    name: str | None = None
    data: list[bytes] = field(default_factory=list)
    line: int = 0
    depth: int = 0  # of the JSON in `data`
    is_string_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self.name is None and not self.data

    def add_data(self, value: bytes) -> None:
        self.data.append(value)
        for token in _STRING_OR_BRACKET.finditer(value):
            self.depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
            self.is_string_open |= token[0].startswith(b'"') and token["is_closed"] is None

    def is_followed_by(self, value: bytes) -> bool:
        """Return whether another line of data begins the next event. It never does if both are JSON together."""
        begin = value.lstrip()[:1]
        if not self.data or not begin:
            return False
        if self.depth > 0:
            return self.is_string_open or (begin == b"{" and not self.data[-1].rstrip().endswith(_BEFORE_VALUE))
        return begin in _JSON_OPENING or self.data[0].lstrip().startswith(_JSON_OPENING)

    def to_event(self) -> StreamEvent:
        return StreamEvent((self.name or "").strip(), b"\n".join(self.data), self.line)


def parse_event_stream(content: bytes) -> Iterator[StreamEvent | MalformedLine]:
    """Yield the events of a recorded stream in order. The last event needs no blank line after it."""
    return parse_event_lines(content.removeprefix(BOM_UTF8).splitlines())


def parse_event_lines(lines: Iterable[bytes]) -> Iterator[StreamEvent | MalformedLine]:
    """Yield the events of the lines of a recorded stream; otherwise like `parse_event_stream`."""
    pending = _PendingEvent()
    for number, (line, next_line) in enumerate(pairwise(chain(lines, (b"", b""))), 1):
        name, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if line.startswith(b"{"):  # a line of JSON without a field name
            name, value = b"data", line
        begins_event = (
            (name == b"" and not colon)
            or (name == b"event" and _names_next_event(pending, next_line))
            or (name == b"data" and pending.is_followed_by(value))
        )
        if begins_event and not pending.is_empty:
            yield pending.to_event()
            pending = _PendingEvent()
        match name:
            case b"event":
                pending.line = pending.line or number
                pending.name = value.decode(errors="replace")
            case b"data":
                pending.line = pending.line or number
                pending.add_data(value)
            case b"" | b"id" | b"retry":
                pass
            case _:
                yield MalformedLine(line, number)


def _names_next_event(pending: _PendingEvent, next_line: bytes) -> bool:
    """Return whether a name belongs to the next event, not to the pending one, whose data may come first."""
    return pending.name is not None or (bool(pending.data) and next_line.startswith(b"data"))
