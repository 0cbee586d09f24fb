"""Bodies of stream events: events that carry an object become raw items, the others are counted as ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs.errors import Problem, RunglassError, TooManyObjects, UnreadableBody
from runs.ingest.record_types import RECORD_TYPES
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY, RawItem, parse_body
from runs.protocol.event_stream import MalformedLine, StreamEvent, parse_event_stream
from runs.protocol.events import EVENT_OBJECTS, IGNORED_EVENTS, IGNORED_OBJECTS, STREAM_END
from runs.protocol.lossless_json import decode_json, parse_json, split_object
from runs.protocol.responses.response import RESPONSE_OBJECT
from runs.protocol.responses.stream import (
    ResponseStream,
    StreamedResponse,
    is_response_event,
    read_event_type,
)
from runs.protocol.validation_errors import OBJECT_HINTS

EVENT_STREAM_TYPE = "text/event-stream"
_EVENT_MEMBERS = ("event", "data")
# The name of an event without a name is "message" by the specification of event streams.
_DEFAULT_NAMES = ("", "message")


@dataclass(slots=True)
class EventBody:
    """The events of a body: items to store, how many were ignored, and what was unusual or wrong."""

    received: int = 0
    items: list[RawItem] = field(default_factory=list)
    ignored: int = 0
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    _responses: ResponseStream = field(default_factory=ResponseStream)

    def add_response_event(self, index: int, members: Mapping[str, bytes], line: int | None) -> None:
        """Add an event of the Responses API. Those without a whole response only repeat parts of these."""
        try:
            self._add_streamed(self._responses.add(index, members, line))
        except RunglassError as error:
            self.errors.append(Problem("/data/response", error.message, index, line=line))
        else:
            self.ignored += 1

    def finish(self) -> None:
        """Add the responses of the last stream."""
        self._add_streamed(self._responses.finish())

    def _add_streamed(self, responses: Sequence[StreamedResponse]) -> None:
        self.items += [
            RawItem(response.index, response.raw, response.line, "/data/response", RESPONSE_OBJECT)
            for response in responses
        ]
        self.ignored -= len(responses)


def parse_events(content: bytes, content_type: str) -> EventBody:
    """Parse a recorded stream, or JSON events `{"event": …, "data": …}` in any form that `parse_body` takes.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    body = EventBody()
    if content_type.partition(";")[0].strip().lower() == EVENT_STREAM_TYPE:
        for index, event in enumerate(parse_event_stream(content)):
            body.received += 1
            add_stream_event(body, index, event)
            _check_object_count(body)
    else:
        for item in parse_body(content, content_type).items:
            body.received += 1
            add_json_event(body, item)
    body.finish()
    if not body.received:
        raise UnreadableBody("The body has no events")
    _check_object_count(body)
    return body


def _check_object_count(body: EventBody) -> None:
    """Raise TooManyObjects. What can't be read counts as an object, since each one is answered with an error."""
    if len(body.items) + len(body.errors) > MAX_OBJECTS_PER_BODY:
        raise TooManyObjects(f"The body has more than {MAX_OBJECTS_PER_BODY:,} objects, the most in one request")


def add_stream_event(body: EventBody, index: int, event: StreamEvent | MalformedLine) -> None:
    """Add an event of a recorded stream, or the error of a line that is none."""
    if isinstance(event, MalformedLine):
        text = event.text[:80].decode(errors="replace")
        body.errors.append(Problem("", f"not a line of an event stream: {text}", index, line=event.line))
    else:
        _add_event(body, index, _unwrap_event(event))


def _unwrap_event(event: StreamEvent) -> StreamEvent:
    """Return the event in the data of a stream whose events are `data: {"event": …, "data": …}`."""
    members = _split_data(event.data) if event.name in _DEFAULT_NAMES else None
    if members is None or members.keys() != set(_EVENT_MEMBERS) or not members["event"].startswith(b'"'):
        return event
    return StreamEvent(decode_json(members["event"]), members["data"], event.line)


def add_json_event(body: EventBody, item: RawItem) -> None:
    """Add an event that is a JSON object: `{"event": …, "data": …}`, or one of the Responses API by its type."""
    try:
        members = split_object(item.raw)
        name = decode_json(members.get("event", b"null"))
    except RunglassError as error:
        body.errors.append(Problem("", error.message, item.index, line=item.line))
        return
    if not set(_EVENT_MEMBERS) & members.keys() and is_response_event("", read_event_type(members)):
        body.add_response_event(item.index, members, item.line)
    elif problems := _validate_event(members, name):
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
    """Add an event by the type of its data. Unknown names and objects cause a warning only."""
    members = _split_data(event.data)
    if members is not None and is_response_event(event.name, read_event_type(members)):
        body.add_response_event(index, members, event.line)
        return
    object_type = _read_object_type(members or {})
    expected = EVENT_OBJECTS.get(event.name)
    if expected or object_type in RECORD_TYPES:
        body.items.append(RawItem(index, event.data, event.line, path="/data", expected=expected))
    elif members is None and (message := _find_data_problem(event)):
        body.errors.append(Problem("/data", message, index, line=event.line))
        return
    else:
        body.ignored += 1
    action = "stored by its object" if object_type in RECORD_TYPES else "ignored"
    if event.name and expected is None and event.name not in IGNORED_EVENTS:
        message = f"unknown event '{event.name[:100]}', {action}"
        body.warnings.append(Problem("/event", message, index, line=event.line))
    elif not event.name and members is not None and object_type not in {*RECORD_TYPES, *IGNORED_OBJECTS}:
        message = f"event without a name or a known object, {action}"
        body.warnings.append(Problem("/data", message, index, line=event.line))


def _split_data(data: bytes) -> dict[str, bytes] | None:
    """Return the members of an event's data, None if it is not a JSON object."""
    try:
        return split_object(data)
    except RunglassError:
        return None


def _read_object_type(members: Mapping[str, bytes]) -> str | None:
    object_type = decode_json(members.get("object", b"null"))
    return object_type if isinstance(object_type, str) else None


def _find_data_problem(event: StreamEvent) -> str | None:
    """Return why data that is no object can't be read, None if it is no JSON by intention, such as that of pings."""
    data = event.data.strip()
    if data in (b"", STREAM_END) or (event.name and not data.startswith((b"{", b"["))):
        return None
    try:
        parse_json(data)
    except RunglassError as error:
        return error.message
    return None
