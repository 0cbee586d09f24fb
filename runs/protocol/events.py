"""Stream events: the meaning of their names, and the parser of recorded streams.

The names are those of OpenAI's specification. A stream consists of server-sent events, each an `event:` and a `data:`
line; the data of the last event is `[DONE]`. Servers differ in the space after the colon, and some send comments as
pings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STREAM_END = b"[DONE]"
_RUN_EVENTS = (
    *("created", "queued", "in_progress", "requires_action", "completed", "incomplete", "failed"),
    *("cancelling", "cancelled", "expired"),
)
_STEP_EVENTS = ("created", "in_progress", "completed", "failed", "cancelled", "expired")
_MESSAGE_EVENTS = ("created", "in_progress", "completed", "incomplete")
# The type of the object that an event's data is, for events that carry a whole object.
EVENT_OBJECTS = {
    **{f"thread.run.{name}": "thread.run" for name in _RUN_EVENTS},
    **{f"thread.run.step.{name}": "thread.run.step" for name in _STEP_EVENTS},
    **{f"thread.message.{name}": "thread.message" for name in _MESSAGE_EVENTS},
}
# Events that add nothing to the objects that follow them.
IGNORED_EVENTS = frozenset(
    {"thread.created", "thread.run.step.delta", "thread.message.delta", "error", "done", "ping", "keepalive"}
)


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


def parse_event_stream(content: bytes) -> Iterator[StreamEvent | MalformedLine]:
    """Yield the events of a recorded stream in order. The last event needs no blank line after it."""
    name, begin = "", 1
    data: list[bytes] = []
    for number, line in enumerate([*content.splitlines(), b""], 1):
        field, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"" if not colon:
                if name or data:
                    yield StreamEvent(name, b"\n".join(data), begin)
                name, data, begin = "", [], number + 1
            case b"event":
                name = value.decode(errors="replace")
            case b"data":
                data.append(value)
            case b"" | b"id" | b"retry":
                pass
            case _:
                yield MalformedLine(line, number)
