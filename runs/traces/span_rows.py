"""Write spans and log records into their tables, and read them back for the derivation."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from runs.db import sql
from runs.models import Span, SpanLog, SpanOrigin, Trace
from runs.protocol.lossless_json import decode_json
from runs.protocol.otlp.attributes import read_attributes
from runs.protocol.otlp.export_requests import RecordOrigin
from runs.protocol.otlp.log_record import SpanLogRecord
from runs.protocol.otlp.span import SpanRecord
from runs.traces.normalization import find_span_role
from runs.traces.span_view import SpanEvent, SpanLink, SpanView, build_span_view, read_log_event

_ROWS_PER_STATEMENT = 1000
_SPAN_COLUMNS = {
    "trace_id": "uuid",
    "span_id": "text",
    "parent_id": "text",
    "name": "text",
    "started_ns": "bigint",
    "ended_ns": "bigint",
    "flags": "bigint",
    "role": "text",
    "is_error": "boolean",
    "origin": "uuid",
    "body": "text",
}
_KEY = ("trace_id", "span_id")
_COLUMN_LIST = ", ".join(_SPAN_COLUMNS)
# Of two different spans with one id, the later one stays, whichever came first.
_UPSERT_SPANS = f"""
    INSERT INTO span ({_COLUMN_LIST})
    SELECT * FROM unnest({", ".join(f"%s::{column_type}[]" for column_type in _SPAN_COLUMNS.values())})
    ON CONFLICT (trace_id, span_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _SPAN_COLUMNS if name not in _KEY)}
    WHERE (excluded.ended_ns, excluded.body COLLATE "C") > (span.ended_ns, span.body COLLATE "C")
    RETURNING trace_id, span_id, xmax = 0, octet_length(body)"""  # noqa: S608


class StoredChange:
    """Describes what a post added to a trace."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.spans = 0
        self.replaced = 0
        self.logs = 0
        self.bytes = 0
        self.span_ids: list[str] = []  # of the spans that are new, or that something was added to


def write_spans(traces: Mapping[str, Trace], spans: Iterable[SpanRecord]) -> dict[uuid.UUID, StoredChange]:
    """Store spans of locked traces, and return what changed, by trace. A repeated span changes nothing."""
    newest: dict[tuple[str, str], SpanRecord] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key not in newest or (span.ended_ns, span.body) > (newest[key].ended_ns, newest[key].body):
            newest[key] = span
    origins: dict[tuple[uuid.UUID, uuid.UUID], SpanOrigin] = {}
    digests: dict[RecordOrigin, uuid.UUID] = {}
    rows = []
    for span in newest.values():
        trace = traces[span.trace_id]
        digest = digests.get(span.origin)
        if digest is None:
            digest = digests[span.origin] = _digest_origin(span.origin)
        origins.setdefault((trace.pk, digest), _build_origin(trace, digest, span.origin))
        rows.append(_build_row(trace, span, digest))
    SpanOrigin.objects.bulk_create(origins.values(), ignore_conflicts=True, batch_size=_ROWS_PER_STATEMENT)

    changes: dict[uuid.UUID, StoredChange] = defaultdict(StoredChange)
    for begin in range(0, len(rows), _ROWS_PER_STATEMENT):
        columns = [list(column) for column in zip(*rows[begin : begin + _ROWS_PER_STATEMENT], strict=True)]
        with sql.open_cursor() as cursor:
            cursor.execute(_UPSERT_SPANS, columns)
            for trace_key, span_id, is_new, size in cursor.fetchall():
                change = changes[trace_key]
                change.span_ids.append(span_id)
                change.spans += is_new
                change.replaced += not is_new
                change.bytes += size  # also in place of another one: contents that were sent count
    return changes


def write_span_logs(traces: Mapping[str, Trace], records: Iterable[SpanLogRecord]) -> dict[uuid.UUID, StoredChange]:
    """Store log records about spans of locked traces, and return what changed, by trace."""
    logs = {}
    for record in records:
        trace, digest = traces[record.trace_id], uuid.UUID(bytes=hashlib.blake2b(record.body, digest_size=16).digest())
        logs[trace.pk, digest] = SpanLog(trace=trace, digest=digest, span_id=record.span_id, body=record.body.decode())
    stored = SpanLog.objects.filter(trace__in={trace_key for trace_key, _ in logs}, digest__in={key for _, key in logs})
    for key in stored.values_list("trace_id", "digest"):
        logs.pop(key, None)
    SpanLog.objects.bulk_create(logs.values(), ignore_conflicts=True, batch_size=_ROWS_PER_STATEMENT)
    changes: dict[uuid.UUID, StoredChange] = defaultdict(StoredChange)
    for (trace_key, _), log in logs.items():
        changes[trace_key].logs += 1
        changes[trace_key].bytes += len(log.body)
        changes[trace_key].span_ids.append(log.span_id)
    return changes


def read_traces(traces: Sequence[Trace]) -> Iterator[tuple[Trace, Iterator[SpanView | SpanLink]]]:
    """Yield the spans of each trace, as views if an instrumentation of agents made them, else as links.

    Views are read few at a time. Take all spans of a trace before the next one.
    """
    by_key = {trace.pk: trace for trace in traces}
    links: dict[uuid.UUID, list[SpanLink]] = defaultdict(list)
    stored = Span.objects.filter(trace__in=by_key, role="").values_list("trace_id", "span_id", "parent_id", "flags")
    for trace_key, span_id, parent_id, flags in stored:
        links[trace_key].append(SpanLink(span_id, parent_id, flags))
    origins, logs = _read_origins(by_key), _read_logs(by_key)
    spans = Span.objects.filter(trace__in=by_key).exclude(role="").order_by("trace_id", "span_id")
    rows = spans.values_list("trace_id", "span_id", "parent_id", "flags", "origin", "body").iterator(chunk_size=200)
    seen = set()
    for trace_key, of_trace in groupby(rows, key=itemgetter(0)):
        seen.add(trace_key)
        yield by_key[trace_key], _iterate_trace(links[trace_key], of_trace, origins, logs)
    for trace_key in by_key.keys() - seen:
        yield by_key[trace_key], iter(links[trace_key])


def _iterate_trace(
    links: list[SpanLink],
    rows: Iterable[tuple[uuid.UUID, str, str | None, int, uuid.UUID, str]],
    origins: Mapping[tuple[uuid.UUID, uuid.UUID], tuple[str, dict[str, object]]],
    logs: Mapping[tuple[uuid.UUID, str], list[SpanEvent]],
) -> Iterator[SpanView | SpanLink]:
    yield from links
    for trace_key, span_id, parent_id, flags, origin, body in rows:
        scope, resource = origins.get((trace_key, origin), ("", {}))
        link = SpanLink(span_id, parent_id, flags)
        events = logs.get((trace_key, span_id), ())
        yield build_span_view(link, body.encode(), scope=scope, resource=resource, logs=events)


def _read_origins(trace_keys: Iterable[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], tuple[str, dict[str, object]]]:
    stored = SpanOrigin.objects.filter(trace__in=list(trace_keys))
    return {
        (trace_key, digest): (_scope_name(scope.encode()), _resource_attributes(resource.encode()))
        for trace_key, digest, resource, scope in stored.values_list("trace_id", "digest", "resource", "scope")
    }


def _read_logs(trace_keys: Iterable[uuid.UUID]) -> dict[tuple[uuid.UUID, str], list[SpanEvent]]:
    logs: dict[tuple[uuid.UUID, str], list[SpanEvent]] = defaultdict(list)
    stored = SpanLog.objects.filter(trace__in=list(trace_keys)).order_by("trace_id", "digest")
    for trace_key, span_id, body in stored.values_list("trace_id", "span_id", "body"):
        if event := read_log_event(decode_json(body.encode())):
            logs[trace_key, span_id].append(event)
    return logs


def _build_row(trace: Trace, span: SpanRecord, digest: uuid.UUID) -> list[object]:
    link = SpanLink(span.span_id, span.parent_id, span.flags)
    scope, resource = _scope_name(span.origin.scope), _resource_attributes(span.origin.resource)
    view = build_span_view(link, span.body, scope=scope, resource=resource)
    role = find_span_role(view)
    return [
        trace.pk,
        span.span_id,
        span.parent_id,
        span.name,
        span.started_ns,
        span.ended_ns,
        span.flags,
        "" if role is None else role.value,
        view.has_error_status,
        digest,
        span.body.decode(),
    ]


def _build_origin(trace: Trace, digest: uuid.UUID, origin: RecordOrigin) -> SpanOrigin:
    return SpanOrigin(
        trace=trace,
        digest=digest,
        resource=origin.resource.decode(),
        scope=origin.scope.decode(),
        resource_schema_url=origin.resource_schema_url,
        scope_schema_url=origin.scope_schema_url,
    )


def _digest_origin(origin: RecordOrigin) -> uuid.UUID:
    parts = (origin.resource, origin.scope, origin.resource_schema_url.encode(), origin.scope_schema_url.encode())
    return uuid.UUID(bytes=hashlib.blake2b(b"\0".join(parts), digest_size=16).digest())


def _scope_name(scope: bytes) -> str:
    name = decode_json(scope).get("name")
    return name if isinstance(name, str) else ""


def _resource_attributes(resource: bytes) -> dict[str, object]:
    return read_attributes(decode_json(resource).get("attributes"))
