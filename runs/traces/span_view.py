"""A stored span with its attributes as Python values, as the dialects read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from runs.protocol.lossless_json import decode_json
from runs.protocol.otlp.attributes import Attributes, read_any_value, read_attributes
from runs.protocol.otlp.span import read_nanoseconds

# Span.flags (opentelemetry-proto 1.11): whether it is known if the parent is remote, and whether it is.
_PARENT_FLAGS, _LOCAL_PARENT, _REMOTE_PARENT = 0x300, 0x100, 0x300
_STATUS_ERROR = (2, "STATUS_CODE_ERROR")


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span, or a log record about it."""

    name: str
    attributes: Attributes
    time_ns: int = 0
    body: Any = None


class SpanLink(NamedTuple):
    """The place of a span in its trace."""

    span_id: str
    parent_id: str | None
    flags: int = 0

    @property
    def has_local_parent(self) -> bool:
        """Return whether the parent is known to be a span of the same process."""
        return self.flags & _PARENT_FLAGS == _LOCAL_PARENT

    @property
    def has_remote_parent(self) -> bool:
        """Return whether the parent is known to be a span of another process."""
        return self.flags & _PARENT_FLAGS == _REMOTE_PARENT


@dataclass(frozen=True)
class SpanView:
    """A span. Times are nanoseconds since 1970, 0 if they are unknown."""

    link: SpanLink
    name: str
    started_ns: int
    ended_ns: int
    attributes: Attributes = field(default_factory=dict)
    events: Sequence[SpanEvent] = ()
    has_error_status: bool = False
    status_message: str = ""
    scope: str = ""
    resource: Attributes = field(default_factory=dict)

    def get(self, names: Iterable[str]) -> Any:
        """Return the first of the attributes `names` that has a value."""
        return next((value for name in names if (value := self.attributes.get(name)) not in (None, "")), None)

    def get_text(self, names: Iterable[str]) -> str | None:
        """Return the first of the attributes `names` that is a text with content."""
        values = (self.attributes.get(name) for name in names)
        # JSON's null, where all values are written as JSON
        return next((value for value in values if isinstance(value, str) and value.strip() not in ("", "null")), None)

    def get_count(self, names: Iterable[str]) -> int | None:
        """Return the first of the attributes `names` that is a whole number of at least 0."""
        values = (self.attributes.get(name) for name in names)
        return next((count for value in values if (count := _to_count(value)) is not None), None)

    @cached_property
    def exception(self) -> SpanEvent | None:
        """The last exception that the span recorded."""
        return next((event for event in reversed(self.events) if event.name == "exception"), None)


def build_span_view(
    link: SpanLink,
    body: bytes,
    *,
    scope: str = "",
    resource: Attributes | None = None,
    logs: Sequence[SpanEvent] = (),
) -> SpanView:
    """Return the view of a stored span: `body` is its OTLP JSON, `logs` are the log records about it."""
    members = decode_json(body)
    status = members.get("status")
    status = status if isinstance(status, Mapping) else {}
    events = [event for value in _list(members.get("events")) if (event := _read_event(value))]
    return SpanView(
        link,
        str(members.get("name") or ""),
        read_nanoseconds(members.get("startTimeUnixNano")),
        read_nanoseconds(members.get("endTimeUnixNano")),
        read_attributes(members.get("attributes")),
        sorted([*events, *logs], key=lambda event: event.time_ns),
        status.get("code") in _STATUS_ERROR,
        str(status.get("message") or ""),
        scope,
        resource or {},
    )


def read_log_event(record: Mapping[str, Any]) -> SpanEvent | None:
    """Return a log record, as OTLP JSON, as an event. It has its name in a member or, earlier, in an attribute."""
    attributes = read_attributes(record.get("attributes"))
    name = record.get("eventName") or attributes.get("event.name")
    time = read_nanoseconds(record.get("timeUnixNano")) or read_nanoseconds(record.get("observedTimeUnixNano"))
    return SpanEvent(name, attributes, time, read_any_value(record.get("body"))) if isinstance(name, str) else None


def _read_event(value: Any) -> SpanEvent | None:
    if not isinstance(value, Mapping):
        return None
    name = value.get("name")
    return SpanEvent(
        name if isinstance(name, str) else "",
        read_attributes(value.get("attributes")),
        read_nanoseconds(value.get("timeUnixNano")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _to_count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return int(value) if number >= 0 and number.is_integer() and number < 2**53 else None
