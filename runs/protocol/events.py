"""Stream events: what their names mean, and how a recorded stream is taken apart.

Names are those of OpenAI's specification; a stream is server-sent events, `event:` then `data:`, the last data
being `[DONE]`. Servers differ in the space after the colon and send comments as pings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STREAM_END = b"[DONE]"
_RUN_EVENTS = ("created", "queued", "in_progress", "requires_action", "completed", "incomplete", "failed")
_RUN_END_EVENTS = ("cancelling", "cancelled", "expired")
_STEP_EVENTS = ("created", "in_progress", "completed", "failed", "cancelled", "expired")
_MESSAGE_EVENTS = ("created", "in_progress", "completed", "incomplete")
# Events that carry a whole object, and the object that each carries.
EVENT_OBJECTS = {
    **{f"thread.run.{each}": "thread.run" for each in _RUN_EVENTS + _RUN_END_EVENTS},
    **{f"thread.run.step.{each}": "thread.run.step" for each in _STEP_EVENTS},
    **{f"thread.message.{each}": "thread.message" for each in _MESSAGE_EVENTS},
}
# Events that add nothing to the objects that follow them.
IGNORED_EVENTS = frozenset(
    {"thread.created", "thread.run.step.delta", "thread.message.delta", "error", "done", "ping", "keepalive"}
)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its name ("" where the stream gives none), its data as JSON text, the line where it begins."""

    name: str
    data: bytes
    line: int | None = None


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line of a recorded stream that is neither a field, nor a comment, nor blank."""

    text: bytes
    line: int


def parse_event_stream(content: bytes) -> Iterator[StreamEvent | MalformedLine]:
    """The events of a recorded stream, in its order. An event at the very end needs no blank line after it."""
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
