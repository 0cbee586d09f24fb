"""Bodies of stream events: events that carry an object become raw items, the others are counted as ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runs.errors import Problem, RunglassError, TooManyObjects
from runs.ingest.record_types import RECORD_TYPES
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY, RawItem, parse_body
from runs.protocol.events import (
    EVENT_OBJECTS,
    IGNORED_EVENTS,
    STREAM_END,
    MalformedLine,
    StreamEvent,
    parse_event_stream,
)
from runs.protocol.lossless_json import decode_json, split_object
from runs.protocol.validation_errors import OBJECT_HINTS

EVENT_STREAM_TYPE = "text/event-stream"
_EVENT_MEMBERS = ("event", "data")


@dataclass(slots=True)
class EventBody:
    """The events of a body: items to store, how many were ignored, and what was unusual or wrong."""

    received: int = 0
    items: list[RawItem] = field(default_factory=list)
    ignored: int = 0
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


def parse_events(content: bytes, content_type: str) -> EventBody:
    """Parse a recorded stream, or JSON events `{"event": …, "data": …}` in any form that `parse_body` takes.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    body = EventBody()
    if content_type.partition(";")[0].strip().lower() == EVENT_STREAM_TYPE:
        for index, event in enumerate(parse_event_stream(content.removeprefix(b"\xef\xbb\xbf"))):
            body.received += 1
            if isinstance(event, MalformedLine):
                text = event.text[:80].decode(errors="replace")
                body.errors.append(Problem("", f"not a line of an event stream: {text}", index, line=event.line))
            else:
                _add_event(body, index, event)
    else:
        for item in parse_body(content, content_type).items:
            body.received += 1
            _add_json_event(body, item)
    if len(body.items) > MAX_OBJECTS_PER_BODY:
        raise TooManyObjects(f"The body has more than {MAX_OBJECTS_PER_BODY:,} objects, the most in one request")
    return body


def _add_json_event(body: EventBody, item: RawItem) -> None:
    try:
        members = split_object(item.raw)
        name = decode_json(members.get("event", b"null"))
    except RunglassError as error:
        body.errors.append(Problem("", error.message, item.index, line=item.line))
        return
    if problems := _validate_event(members, name):
        body.errors += [replace(problem, index=item.index, line=item.line) for problem in problems]
    else:
        _add_event(body, item.index, StreamEvent(name, members["data"], item.line))


def _validate_event(members: Mapping[str, bytes], name: object) -> list[Problem]:
    object_type = decode_json(members.get("object", b"null"))
    if "data" not in members and isinstance(object_type, str) and object_type in RECORD_TYPES:
        message = f"expected an event, got an object of type {object_type}: {OBJECT_HINTS[object_type]}"
        return [Problem("/event", message)]
    problems = [
        Problem(f"/{member}", f"unknown field; expected {' and '.join(_EVENT_MEMBERS)}")
        for member in members
        if member not in _EVENT_MEMBERS
    ]
    if not isinstance(name, str):
        problems.append(Problem("/event", "expected the name of an event"))
    if "data" not in members:
        problems.append(Problem("/data", "required, but missing"))
    return problems


def _add_event(body: EventBody, index: int, event: StreamEvent) -> None:
    """Add an event by the type of its data. Unknown names cause a warning only."""
    object_type = None if event.data in (STREAM_END, b'"[DONE]"') else _read_object_type(event.data)
    expected = EVENT_OBJECTS.get(event.name)
    if expected or object_type in RECORD_TYPES:
        body.items.append(RawItem(index, event.data, event.line, path="/data", expected=expected))
    else:
        body.ignored += 1
    if event.name and expected is None and event.name not in IGNORED_EVENTS:
        action = "stored by its object" if object_type in RECORD_TYPES else "ignored"
        message = f"unknown event '{event.name[:100]}', {action}"
        body.warnings.append(Problem("/event", message, index, line=event.line))


def _read_object_type(data: bytes) -> str | None:
    try:
        object_type = decode_json(split_object(data).get("object", b"null"))
    except RunglassError:
        return None
    return object_type if isinstance(object_type, str) else None
