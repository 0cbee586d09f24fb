"""Stream events of the Responses API: which of them carry a whole response, and the response of a broken-off stream.

Names are those of OpenAI's OpenAPI document 2.3.0. An event's name is its `type`; the `event:` line may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.errors import RunglassError
from runs.protocol.lossless_json import decode_json, encode_json, join_members, split_array, split_object
from runs.protocol.responses.response import ENDED_RESPONSE_STATUSES, normalize_status

EVENT_PREFIX = "response."
ERROR_EVENT = "error"
_WHOLE_RESPONSES = frozenset(
    f"{EVENT_PREFIX}{name}" for name in ("created", "queued", "in_progress", "completed", "failed", "incomplete")
)
_FIRST_EVENT = f"{EVENT_PREFIX}created"
_WHOLE_ITEMS = (f"{EVENT_PREFIX}output_item.added", f"{EVENT_PREFIX}output_item.done")


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """A response as JSON, alone or with the error of its stream, at a position in the body."""

    index: int
    raw: bytes
    line: int | None


@dataclass(slots=True)
class ResponseStream:
    """The events of streams in one body. `add` them in order, then call `finish`."""

    _responses: list[StreamedResponse] = field(default_factory=list)
    _members: list[dict[str, bytes]] = field(default_factory=list)
    _items: dict[int, bytes] = field(default_factory=dict)
    _error: dict[str, Any] | None = None

    def add(self, index: int, members: Mapping[str, bytes], line: int | None) -> list[StreamedResponse]:
        """Add an event by its data. If it begins a stream, return the responses of the stream before it.

        Raises RunglassError if its response is no object.
        """
        event_type = read_event_type(members)
        finished: list[StreamedResponse] = []
        if event_type in _WHOLE_RESPONSES and "response" in members:
            response = split_object(members["response"])
            if self._is_other_stream(event_type, response):
                finished = self.finish()
            self._responses.append(StreamedResponse(index, members["response"], line))
            self._members.append(response)
        elif event_type in _WHOLE_ITEMS and "item" in members:
            position = decode_json(members.get("output_index", b"null"))
            if isinstance(position, int) and position >= 0:
                self._items[position] = members["item"]
        elif event_type == ERROR_EVENT:
            data = decode_json(join_members(dict(members)))
            self._error = data["error"] if isinstance(data.get("error"), dict) else data
        return finished

    def _is_other_stream(self, event_type: str, response: Mapping[str, bytes]) -> bool:
        """Return whether a response is not that of the events so far.

        One gateway writes another id into each event of a stream, so only the first event begins one.
        """
        if not self._members or response.get("id") == self._members[-1].get("id"):
            return False
        return event_type == _FIRST_EVENT or _is_ended(self._members[-1])

    def finish(self) -> list[StreamedResponse]:
        """Return the responses of the stream: each state, or the last one if their ids differ.

        If the stream did not reach an end, the last one has the items that came after it.
        """
        responses, members, items, error = self._responses, self._members, self._items, self._error
        self._responses, self._members, self._items, self._error = [], [], {}, None
        if not responses:
            return []
        if any(state.get("id") != members[-1].get("id") for state in members):
            responses = responses[-1:]
        if not _is_ended(members[-1]) and (items or error):
            responses[-1] = _assemble(responses[-1], members[-1], items, error)
        return responses


def read_event_type(members: Mapping[str, bytes]) -> str:
    """Return the type of an event by its data, "" if it has none."""
    event_type = decode_json(members.get("type", b"null"))
    return event_type if isinstance(event_type, str) else ""


def is_response_event(name: str, event_type: str) -> bool:
    """Return whether an event is one of the Responses API, by its name and by the type in its data."""
    return event_type.startswith(EVENT_PREFIX) or (event_type == ERROR_EVENT and name in ("", ERROR_EVENT))


def _is_ended(members: Mapping[str, bytes]) -> bool:
    status = decode_json(members.get("status", b"null"))
    return isinstance(status, str) and normalize_status(status, has_output=False) in ENDED_RESPONSE_STATUSES


def _assemble(
    newest: StreamedResponse,
    members: Mapping[str, bytes],
    items: Mapping[int, bytes],
    error: Mapping[str, Any] | None,
) -> StreamedResponse:
    """Return the newest response with the items after it and, beside it, the error of its stream."""
    raw = join_members({**members, "output": _join_output(members, items)}) if items else newest.raw
    if error:
        raw = join_members({"response": raw, "stream_error": _encode_error(error)})
    return StreamedResponse(newest.index, raw, newest.line)


def _join_output(members: Mapping[str, bytes], items: Mapping[int, bytes]) -> bytes:
    output = members.get("output", b"[]")
    try:
        known = dict(enumerate(split_array(output))) if output.startswith(b"[") else {}
    except RunglassError:
        known = {}
    return b"[" + b",".join(raw for _, raw in sorted((known | dict(items)).items())) + b"]"


def _encode_error(error: Mapping[str, Any]) -> bytes:
    return encode_json({name: error.get(name) for name in ("code", "message", "param", "type")})
