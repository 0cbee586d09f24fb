"""The content of a span: what its dialect says in readable form, and all that it consists of as it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.ui import formats
from dashboard.ui.chat_parts import build_chat_parts
from dashboard.ui.readable_values import truncate_readable
from dashboard.ui.titled_part import TitledPart
from dashboard.ui.truncated_text import TruncatedText, truncate_json
from runs.models import Span, SpanLog, SpanOrigin
from runs.protocol.lossless_json import decode_json, parse_json
from runs.protocol.otlp.attributes import read_attributes
from runs.protocol.otlp.span import read_nanoseconds
from runs.traces.agent_span import AgentSpan
from runs.traces.captured_content import describe_missing_content, is_work
from runs.traces.normalization import find_span_role, normalize_span
from runs.traces.span_view import SpanLink, build_span_view, read_log_event

MAX_ATTRIBUTES = 200
MAX_EVENTS = 50
MAX_LINKS = 50
_KINDS = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUS_CODES = {0: "unset", 1: "ok", 2: "error"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SpanAttribute:
    """An attribute. `text` is its value if it fits into a line, else `long_text` has it."""

    name: str
    text: str = ""
    long_text: TruncatedText | None = None


@dataclass(frozen=True, slots=True)
class ShownSpanEvent:
    """An event of a span, or a log record about it, with its time since the beginning of the span."""

    name: str
    offset: str
    attributes: Sequence[SpanAttribute]
    body: TruncatedText | None = None


@dataclass(frozen=True, slots=True)
class ShownSpanLink:
    """A link to another span. `attributes` tell why."""

    trace_id: str
    span_id: str
    attributes: Sequence[SpanAttribute]


@dataclass(frozen=True, slots=True)
class SpanContent:
    """The content of a span. `facts` are pairs of a name and a value."""

    facts: Sequence[tuple[str, str]]
    parts: Sequence[TitledPart]
    attributes: Sequence[SpanAttribute]
    hidden_attribute_count: int
    events: Sequence[ShownSpanEvent]
    links: Sequence[ShownSpanLink]
    resource: Sequence[SpanAttribute]
    scope: str
    error: str
    raw: TruncatedText
    not_captured: str = ""


def build_span_content(
    span: Span, origin: SpanOrigin | None, logs: Sequence[SpanLog], axis_begin: datetime
) -> SpanContent:
    """Return the content of a stored span. `axis_begin` is the time from which its beginning is counted."""
    body = decode_json(span.body.encode())
    records = [decode_json(log.body.encode()) for log in logs]
    attributes = read_attributes(body.get("attributes"))
    scope, resource = _read_origin(origin)
    agent_span = normalize_stored_span(span, origin, logs)
    return SpanContent(
        facts=[fact for fact in (*_span_facts(span, body, axis_begin), *_model_facts(agent_span)) if fact[1]],
        parts=build_chat_parts(agent_span) if agent_span else [],
        attributes=build_attributes(attributes)[:MAX_ATTRIBUTES],
        hidden_attribute_count=max(0, len(attributes) - MAX_ATTRIBUTES),
        events=_build_events(span, body, records),
        links=_build_links(body),
        resource=build_attributes(resource)[:MAX_ATTRIBUTES],
        scope=" ".join(str(scope[name]) for name in ("name", "version") if scope.get(name)),
        error=_describe_error(span, body, agent_span),
        raw=truncate_json(parse_json(span.body)),
        not_captured=_describe_not_captured(agent_span),
    )


def build_attributes(attributes: Mapping[str, Any]) -> list[SpanAttribute]:
    """Return attributes for display, in their order."""
    return [_build_attribute(name, value) for name, value in attributes.items()]


def _build_attribute(name: str, value: Any) -> SpanAttribute:
    text = truncate_readable(value)
    is_short = "\n" not in text.full and len(text.full) <= 120
    return SpanAttribute(name, text.full) if is_short else SpanAttribute(name, long_text=text)


def normalize_stored_span(span: Span, origin: SpanOrigin | None, logs: Iterable[SpanLog]) -> AgentSpan | None:
    """Return what a stored span tells in the terms of all dialects; None if no instrumentation of agents made it."""
    scope, resource = _read_origin(origin)
    events = [event for log in logs if (event := read_log_event(decode_json(log.body.encode())))]
    link = SpanLink(span.span_id, span.parent_id, span.flags)
    view = build_span_view(link, span.body.encode(), scope=str(scope.get("name") or ""), resource=resource, logs=events)
    role = find_span_role(view)
    return None if role is None else normalize_span(view, role)


def _read_origin(origin: SpanOrigin | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scope and the attributes of the resource."""
    if origin is None:
        return {}, {}
    return decode_json(origin.scope.encode()), read_attributes(decode_json(origin.resource.encode()).get("attributes"))


def _span_facts(span: Span, body: Mapping[str, Any], axis_begin: datetime) -> Iterable[tuple[str, str]]:
    yield "Span", span.span_id
    yield "Parent", span.parent_id or ""
    yield "Kind", _name_code(body.get("kind"), _KINDS, "SPAN_KIND_")
    if span.started_ns:
        offset = span.started_ns // 1_000_000 - (axis_begin - _EPOCH) // timedelta(milliseconds=1)
        yield "Start", formats.format_duration(offset, precise=True) + " after the beginning"
    yield "Duration", format_nanoseconds(span.started_ns, span.ended_ns)
    yield "State", str(body.get("traceState") or "")


def _model_facts(span: AgentSpan | None) -> Iterable[tuple[str, str]]:
    if span is None:
        return
    yield "Agent", span.agent_name or span.agent_id or ""
    yield "Model", span.response_model or span.request_model or ""
    yield "Response", span.response_id or ""
    if usage := span.usage.as_json():
        yield "Tokens", f"{usage['prompt_tokens']:,} in, {usage['completion_tokens']:,} out"
    yield "Finish reason", ", ".join(span.finish_reasons)


def format_nanoseconds(begin: int, end: int) -> str:
    """Format a duration; below a millisecond in microseconds. Empty if a time is unknown or the end is earlier."""
    if not begin or end < begin:
        return ""
    passed = end - begin
    return f"{passed / 1000:.0f} µs" if passed < 1_000_000 else formats.format_duration(passed // 10**6, precise=True)


def _name_code(code: Any, names: Mapping[int, str], prefix: str) -> str:
    if isinstance(code, str):
        return code.removeprefix(prefix).lower()
    return names.get(code, str(code)) if code is not None else ""


def _describe_error(span: Span, body: Mapping[str, Any], agent_span: AgentSpan | None) -> str:
    status = body.get("status")
    message = str(status.get("message") or "") if isinstance(status, Mapping) else ""
    if agent_span is not None and agent_span.error is not None:
        return ": ".join(dict.fromkeys(part for part in (agent_span.error.code, agent_span.error.message) if part))
    return message or ("The status of the span is an error." if span.is_error else "")


def _build_events(span: Span, body: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> list[ShownSpanEvent]:
    posted = [event for event in _list(body.get("events")) if isinstance(event, Mapping)]
    shown = [(read_nanoseconds(event.get("timeUnixNano")), event, None) for event in posted]
    for record in records:
        event = read_log_event(record)
        if event is not None:
            shown.append((event.time_ns, {"name": event.name, "attributes": record.get("attributes")}, event.body))
    shown.sort(key=lambda entry: entry[0])
    return [
        ShownSpanEvent(
            str(event.get("name") or "(no name)"),
            format_nanoseconds(span.started_ns, time_ns),
            build_attributes(read_attributes(event.get("attributes"))),
            None if content is None else truncate_readable(content),
        )
        for time_ns, event, content in shown[:MAX_EVENTS]
    ]


def _build_links(body: Mapping[str, Any]) -> list[ShownSpanLink]:
    links = [link for link in _list(body.get("links")) if isinstance(link, Mapping)]
    return [
        ShownSpanLink(
            str(link.get("traceId") or ""),
            str(link.get("spanId") or ""),
            build_attributes(read_attributes(link.get("attributes"))),
        )
        for link in links[:MAX_LINKS]
    ]


def _describe_not_captured(span: AgentSpan | None) -> str:
    """Return the sentence about a model call or tool without content."""
    if span is None or not is_work(span) or span.has_content:
        return ""
    return describe_missing_content(span.capture_setting)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
