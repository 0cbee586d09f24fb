"""Stream events as items: what carries an object is stored, what doesn't is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from runs.errors import Problem, RunglassError, TooManyObjects
from runs.ingest import request_bodies
from runs.ingest.record_types import KINDS
from runs.ingest.request_bodies import MOST_OBJECTS, Item
from runs.protocol import lossless_json
from runs.protocol.events import CARRIERS, DONE, IGNORED, BrokenLine, Event, from_stream
from runs.protocol.validation_errors import HINTS

STREAM = "text/event-stream"
_MEMBERS = ("event", "data")


@dataclass(slots=True)
class Events:
    """The events of a body: objects to store, how many were passed over, what was odd, what was wrong."""

    received: int = 0
    items: list[Item] = field(default_factory=list)
    ignored: int = 0
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


def parse(content: bytes, content_type: str) -> Events:
    """Take apart a recorded stream, or JSON events `{"event": …, "data": …}` in any of the usual outer forms.

    Raises UnreadableBody, UnsupportedBody or TooManyObjects.
    """
    events = Events()
    if content_type.partition(";")[0].strip().lower() == STREAM:
        _take_stream(events, from_stream(content.removeprefix(b"\xef\xbb\xbf")))
    else:
        for item in request_bodies.parse(content, content_type).items:
            _take_json(events, item)
    if len(events.items) > MOST_OBJECTS:
        raise TooManyObjects(f"The body holds more than {MOST_OBJECTS:,} objects, which is the most at once")
    return events


def _take_stream(events: Events, found: Iterable[Event | BrokenLine]) -> None:
    for index, each in enumerate(found):
        if isinstance(each, BrokenLine):
            events.received += 1
            shown = each.text[:80].decode(errors="replace")
            events.errors.append(Problem("", f"not a line of an event stream: {shown}", index, line=each.line))
        else:
            _take(events, index, each)


def _take_json(events: Events, item: Item) -> None:
    try:
        members = lossless_json.fields(item.raw)
        name = lossless_json.value(members.get("event", b"null"))
    except RunglassError as error:
        events.received += 1
        events.errors.append(Problem("", error.message, item.index, line=item.line))
        return
    if wrong := _wrong(members, name):
        events.received += 1
        events.errors += [replace(each, index=item.index, line=item.line) for each in wrong]
        return
    _take(events, item.index, Event(name, members["data"], item.line))


def _wrong(members: Mapping[str, bytes], name: object) -> list[Problem]:
    """What keeps the members of an object from being an event; an object by itself is told where it belongs."""
    posted = lossless_json.value(members.get("object", b"null"))
    if "data" not in members and isinstance(posted, str) and posted in KINDS:
        return [Problem("/event", f"expected an event, got a {posted} by itself: {HINTS[posted]}")]
    wrong = [Problem(f"/{each}", "unknown field") for each in members if each not in _MEMBERS]
    if not isinstance(name, str):
        wrong.append(Problem("/event", "expected the name of an event"))
    if "data" not in members:
        wrong.append(Problem("/data", "required, but missing"))
    return wrong


def _take(events: Events, index: int, event: Event) -> None:
    """Store by what the data says it is. Names that nobody published are told, and do no harm."""
    events.received += 1
    found = None if event.data in (DONE, b'"[DONE]"') else _object(event.data)
    expected = CARRIERS.get(event.name)
    if expected or found in KINDS:
        events.items.append(Item(index, event.data, event.line, path="/data", expected=expected))
    else:
        events.ignored += 1
    if event.name and expected is None and event.name not in IGNORED:
        what = "stored by its object" if found in KINDS else "ignored"
        events.warnings.append(Problem("/event", f"unknown event '{event.name[:100]}', {what}", index, line=event.line))


def _object(data: bytes) -> str | None:
    try:
        found = lossless_json.value(lossless_json.fields(data).get("object", b"null"))
    except RunglassError:
        return None
    return found if isinstance(found, str) else None
