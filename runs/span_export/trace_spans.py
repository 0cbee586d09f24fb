"""Read stored spans to send them on as they came, with their resource and scope.

Messages that came as log records about a span, apart from it, become events of the span, since a trace can't carry log
records: that is the other form which the semantic conventions (up to 1.36) have for them.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from runs.models import Run, Span, SpanLog, SpanOrigin, Trace
from runs.protocol.lossless_json import decode_json, encode_json, join_members, split_array, split_object
from runs.protocol.otlp.attributes import encode_attributes
from runs.protocol.otlp.export_requests import RecordOrigin
from runs.protocol.otlp.outgoing_requests import OutgoingSpan
from runs.traces.span_ownership import find_spans_of_run
from runs.traces.span_view import read_log_event

_SPANS_PER_QUERY = 200
_CONTENT_ATTRIBUTE = "gen_ai.event.content"


def read_run_spans(run: Run, trace: Trace) -> Iterator[OutgoingSpan]:
    """Yield the spans of a run that is derived from a trace.

    All spans of a trace with one run are that run's. Of several runs, each has its own spans and those above them, and
    the first one has what belongs to none.
    """
    span_ids = None if trace.run_ids == [run.external_id] else find_spans_of_run(trace, run.external_id)
    return TraceSpanReader([trace.pk]).read(trace.pk, span_ids)


class TraceSpanReader:
    """Reads spans of traces, given by their stored ids. What many spans share is read once."""

    def __init__(self, trace_keys: Collection[uuid.UUID]) -> None:
        """Read the origins of the spans, and which traces have log records."""
        origins = SpanOrigin.objects.filter(trace__in=trace_keys)
        self._origins = {(origin.trace_id, origin.digest): _to_record_origin(origin) for origin in origins}
        logs = SpanLog.objects.filter(trace__in=trace_keys)
        self._keys_with_logs = set(logs.values_list("trace_id", flat=True).distinct())

    def read(self, trace_key: uuid.UUID, span_ids: Collection[str] | None = None) -> Iterator[OutgoingSpan]:
        """Yield spans of a trace, all or those with the given ids, few at a time in memory."""
        spans = Span.objects.of_trace(trace_key).with_ids(span_ids).iterate_bodies(_SPANS_PER_QUERY)
        while chunk := list(islice(spans, _SPANS_PER_QUERY)):
            has_logs = trace_key in self._keys_with_logs
            events = _read_log_events(trace_key, [span.span_id for span in chunk]) if has_logs else {}
            for span in chunk:
                body = _add_events(span.body.encode(), events.get(span.span_id, []))
                yield OutgoingSpan(self._origins.get((trace_key, span.origin), RecordOrigin()), body)


def _to_record_origin(origin: SpanOrigin) -> RecordOrigin:
    return RecordOrigin(
        origin.resource.encode(), origin.scope.encode(), origin.resource_schema_url, origin.scope_schema_url
    )


def _read_log_events(trace_key: uuid.UUID, span_ids: Collection[str]) -> dict[str, list[bytes]]:
    events: dict[str, list[bytes]] = defaultdict(list)
    logs = SpanLog.objects.filter(trace=trace_key, span_id__in=span_ids).order_by("digest")
    for log in logs:
        if event := _to_event(decode_json(log.body.encode())):
            events[log.span_id].append(event)
    return events


def _to_event(record: dict[str, Any]) -> bytes | None:
    event = read_log_event(record)
    if event is None:
        return None
    attributes = record.get("attributes")
    content = None if event.body is None else encode_json(event.body).decode()
    return encode_json(
        {
            "timeUnixNano": str(event.time_ns),
            "name": event.name,
            "attributes": [
                *(attributes if isinstance(attributes, list) else []),
                *encode_attributes({_CONTENT_ATTRIBUTE: content}),
            ],
        }
    )


def _add_events(body: bytes, events: list[bytes]) -> bytes:
    if not events:
        return body
    members = split_object(body)
    own = members.get("events", b"[]")
    own_events = split_array(own) if own.startswith(b"[") else []
    return join_members(members | {"events": b"[" + b",".join([*own_events, *events]) + b"]"})
