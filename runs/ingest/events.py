"""Stream events as items: what carries an object is stored, what doesn't is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from runs.errors import Problem, RunglassError, TooManyObjects
from runs.ingest import request_bodies
from runs.ingest.record_types import RECORD_TYPES
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY, RawItem
from runs.protocol import lossless_json
from runs.protocol.events import (
    EVENT_OBJECTS,
    IGNORED_EVENTS,
    STREAM_END,
    MalformedLine,
    StreamEvent,
    parse_event_stream,
)
from runs.protocol.validation_errors import OBJECT_HINTS

EVENT_STREAM_TYPE = "text/event-stream"
_MEMBERS = ("event", "data")


@dataclass(slots=True)
class EventBody:
    """The events of a body: objects to store, how many were passed over, what was odd, what was wrong."""

    received: int = 0
    items: list[RawItem] = field(default_factory=list)
    ignored: int = 0
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


def parse_events(content: bytes, content_type: str) -> EventBody:
    """Take apart a recorded stream, or JSON events `{"event": …, "data": …}` in any of the usual outer forms.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    events = EventBody()
    if content_type.partition(";")[0].strip().lower() == EVENT_STREAM_TYPE:
        _take_stream(events, parse_event_stream(content.removeprefix(b"\xef\xbb\xbf")))
    else:
        for item in request_bodies.parse_body(content, content_type).items:
            _take_json(events, item)
    if len(events.items) > MAX_OBJECTS_PER_BODY:
        raise TooManyObjects(f"The body holds more than {MAX_OBJECTS_PER_BODY:,} objects, which is the most at once")
    return events


def _take_stream(events: EventBody, found: Iterable[StreamEvent | MalformedLine]) -> None:
    for index, each in enumerate(found):
        if isinstance(each, MalformedLine):
            events.received += 1
            shown = each.text[:80].decode(errors="replace")
            events.errors.append(Problem("", f"not a line of an event stream: {shown}", index, line=each.line))
        else:
            _take(events, index, each)


def _take_json(events: EventBody, item: RawItem) -> None:
    try:
        members = lossless_json.split_object(item.raw)
        name = lossless_json.decode_json(members.get("event", b"null"))
    except RunglassError as error:
        events.received += 1
        events.errors.append(Problem("", error.message, item.index, line=item.line))
        return
    if wrong := _wrong(members, name):
        events.received += 1
        events.errors += [replace(each, index=item.index, line=item.line) for each in wrong]
        return
    _take(events, item.index, StreamEvent(name, members["data"], item.line))


def _wrong(members: Mapping[str, bytes], name: object) -> list[Problem]:
    """What keeps the members of an object from being an event; an object by itself is told where it belongs."""
    posted = lossless_json.decode_json(members.get("object", b"null"))
    if "data" not in members and isinstance(posted, str) and posted in RECORD_TYPES:
        return [Problem("/event", f"expected an event, got a {posted} by itself: {OBJECT_HINTS[posted]}")]
    wrong = [Problem(f"/{each}", "unknown field") for each in members if each not in _MEMBERS]
    if not isinstance(name, str):
        wrong.append(Problem("/event", "expected the name of an event"))
    if "data" not in members:
        wrong.append(Problem("/data", "required, but missing"))
    return wrong


def _take(events: EventBody, index: int, event: StreamEvent) -> None:
    """Store by what the data says it is. Names that nobody published are told, and do no harm."""
    events.received += 1
    found = None if event.data in (STREAM_END, b'"[DONE]"') else _object(event.data)
    expected = EVENT_OBJECTS.get(event.name)
    if expected or found in RECORD_TYPES:
        events.items.append(RawItem(index, event.data, event.line, path="/data", expected=expected))
    else:
        events.ignored += 1
    if event.name and expected is None and event.name not in IGNORED_EVENTS:
        what = "stored by its object" if found in RECORD_TYPES else "ignored"
        events.warnings.append(Problem("/event", f"unknown event '{event.name[:100]}', {what}", index, line=event.line))


def _object(data: bytes) -> str | None:
    try:
        found = lossless_json.decode_json(lossless_json.split_object(data).get("object", b"null"))
    except RunglassError:
        return None
    return found if isinstance(found, str) else None
