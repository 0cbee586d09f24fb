"""Store what an export request brings, and derive the runs of the traces that it changes, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from django.db import DatabaseError
from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidObject, Problem, RunglassError, SourceConflict
from runs.ingest.forwarding import queue_changed_spans
from runs.ingest.merge import Receipt
from runs.ingest.object_limits import check_object_limits, load_object_limits
from runs.ingest.write import is_value_refused
from runs.models import Project, Trace
from runs.models.trace import BYTES_PER_SPAN, find_trace_id, make_trace_key
from runs.protocol.lossless_json import decode_json
from runs.protocol.otlp.export_requests import OtlpItem
from runs.protocol.otlp.log_record import SpanLogRecord, parse_span_log
from runs.protocol.otlp.openai_agents_spans import convert_agents_object
from runs.protocol.otlp.span import SpanRecord, parse_span
from runs.traces.dialects.semconv import EVENT_NAMES
from runs.traces.span_rows import write_span_logs, write_spans
from runs.traces.span_view import read_log_event
from runs.traces.trace_runs import derive_or_defer

# What a derivation can hold in memory.
MAX_SPANS_PER_TRACE = 100_000
MAX_BYTES_PER_TRACE = 512 * 1024 * 1024
_ROWS_PER_STATEMENT = 1000


@dataclass(slots=True)
class TraceIngestReport:
    """Counts the records that came, are new, replaced a stored one, were rejected and ignored.

    `errors` says what was wrong with the rejected ones. All others were stored already.
    """

    received: int = 0
    created: int = 0
    updated: int = 0
    rejected: int = 0
    ignored: int = 0
    errors: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    spans: list[SpanRecord] = field(default_factory=list)
    logs: list[SpanLogRecord] = field(default_factory=list)

    def trace_ids(self) -> set[str]:
        return {span.trace_id for span in self.spans} | {log.trace_id for log in self.logs}

    def of_traces(self, trace_ids: Collection[str]) -> _Batch:
        return _Batch(
            [span for span in self.spans if span.trace_id in trace_ids],
            [log for log in self.logs if log.trace_id in trace_ids],
        )

    def __len__(self) -> int:
        return len(self.spans) + len(self.logs)


def ingest_spans(project: Project, items: Iterable[OtlpItem], *, key_id: int | None = None) -> TraceIngestReport:
    """Store the spans of an export request. Invalid ones are rejected one by one.

    Raises TooManyRetries, DiskFull, and Django's DatabaseError if the database is not available.
    """
    report, batch, limits = TraceIngestReport(), _Batch(), load_object_limits()
    for item in items:
        report.received += 1
        try:
            span = parse_span(item)
            check_object_limits(span.body, limits)
        except RunglassError as error:
            _reject(report, item.index, item.path, error)
        else:
            batch.spans.append(span)
    return _store(project, batch, report, key_id)


def ingest_span_logs(project: Project, items: Iterable[OtlpItem], *, key_id: int | None = None) -> TraceIngestReport:
    """Store the log records of an export request that are about spans; otherwise like `ingest_spans`."""
    report, batch, limits = TraceIngestReport(), _Batch(), load_object_limits()
    for item in items:
        report.received += 1
        try:
            log = parse_span_log(item)
            if log is not None:
                check_object_limits(log.body, limits)
        except RunglassError as error:
            _reject(report, item.index, item.path, error)
            continue
        if log is None or not is_message_event(log):
            report.ignored += 1
        else:
            batch.logs.append(log)
    return _store(project, batch, report, key_id)


def ingest_agents_objects(
    project: Project, objects: Iterable[bytes], *, key_id: int | None = None
) -> TraceIngestReport:
    """Store what OpenAI's Agents SDK posts by itself; otherwise like `ingest_spans`."""
    report, batch, limits = TraceIngestReport(), _Batch(), load_object_limits()
    for index, raw in enumerate(objects):
        report.received += 1
        try:
            check_object_limits(raw, limits)
            batch.spans.append(convert_agents_object(raw))
        except RunglassError as error:
            _reject(report, index, f"/data/{index}", error)
    return _store(project, batch, report, key_id)


def is_message_event(log: SpanLogRecord) -> bool:
    """Return whether a log record is one of the events in which the semantic conventions send messages."""
    event = read_log_event(decode_json(log.body))
    return event is not None and event.name in EVENT_NAMES


def _reject(report: TraceIngestReport, index: int, path: str, error: RunglassError) -> None:
    problems = error.problems or [Problem("", error.message)]
    report.errors += [replace(problem, path=path + problem.path, index=index) for problem in problems]
    report.rejected += 1


def _store(project: Project, batch: _Batch, report: TraceIngestReport, key_id: int | None) -> TraceIngestReport:
    """Store a batch. Traces whose runs can't be written are rejected, and all others stored without them."""
    receipt = Receipt(timezone.now(), key_id)
    while batch:
        try:
            created, updated = run_in_derivation_transaction(project, partial(_write_batch, project, batch, receipt))
        except (SourceConflict, InvalidObject) as error:
            batch = _leave_out(batch, report, error)
        except DatabaseError as error:
            if not is_value_refused(error):
                raise
            _store_one_by_one(project, batch, report, receipt, error)
            break
        else:
            report.created += created
            report.updated += updated
            break
    return report


def _leave_out(batch: _Batch, report: TraceIngestReport, error: RunglassError) -> _Batch:
    problems = {find_trace_id(problem.id or ""): problem for problem in error.problems}
    refused = batch.trace_ids() & problems.keys()
    if not refused:
        raise error
    report.errors += [problem for trace_id, problem in problems.items() if trace_id in refused]
    report.rejected += len(batch.of_traces(refused))
    return batch.of_traces(batch.trace_ids() - refused)


def _store_one_by_one(
    project: Project, batch: _Batch, report: TraceIngestReport, receipt: Receipt, error: DatabaseError
) -> None:
    """Store each trace in a transaction of its own, to store all but the one with the refused value."""
    trace_ids = sorted(batch.trace_ids())
    if len(trace_ids) == 1:
        message = f"refused by the database: {str(error).splitlines()[0]}"
        report.errors.append(Problem("", message, id=trace_ids[0]))
        report.rejected += len(batch)
        return
    for trace_id in trace_ids:
        _store(project, batch.of_traces({trace_id}), report, receipt.key_id)


def _write_batch(project: Project, batch: _Batch, receipt: Receipt) -> tuple[int, int]:
    """Write a batch, and return how many of its records are new, and how many replaced a stored one."""
    # 1. Lock the traces, in the order of their ids.
    traces = _lock_traces(project, batch.trace_ids(), receipt)
    _check_trace_sizes(traces.values())
    # 2. Store what came.
    by_key = {trace.pk: trace for trace in traces.values()}
    changed: dict[uuid.UUID, Trace] = {}
    created = updated = sent_size = 0
    span_ids: dict[uuid.UUID, list[str]] = {}
    for changes in (write_spans(traces, batch.spans), write_span_logs(traces, batch.logs)):
        for trace_key, change in changes.items():
            trace = changed[trace_key] = by_key[trace_key]
            trace.span_count += change.spans
            trace.byte_count += change.bytes
            trace.changed_at = receipt.at
            created += change.spans + change.logs
            updated += change.replaced
            sent_size += BYTES_PER_SPAN * change.spans + change.bytes
            span_ids.setdefault(trace_key, []).extend(change.span_ids)
    queue_changed_spans(project, span_ids, receipt)
    # 3. Derive the runs of what has changed.
    derived = derive_or_defer(project, changed.values(), sent_size, receipt)
    Trace.objects.save_changes(changed.values())
    Trace.objects.bulk_update(derived, ["run_ids", "former_run_ids"], batch_size=_ROWS_PER_STATEMENT)
    return created, updated


def _check_trace_sizes(traces: Iterable[Trace]) -> None:
    """Raise InvalidObject for traces to which nothing may be added."""
    problems = [
        Problem(
            "",
            f"the trace has {trace.span_count:,} spans of {trace.byte_count:,} bytes: no trace may have more than "
            f"{MAX_SPANS_PER_TRACE:,} spans or {MAX_BYTES_PER_TRACE:,} bytes",
            id=trace.rootless_run_id,
        )
        for trace in traces
        if trace.span_count >= MAX_SPANS_PER_TRACE or trace.byte_count >= MAX_BYTES_PER_TRACE
    ]
    if problems:
        raise InvalidObject(problems=problems)


def _lock_traces(project: Project, trace_ids: Collection[str], receipt: Receipt) -> dict[str, Trace]:
    new = [
        Trace(
            id=make_trace_key(project, trace_id),
            project=project,
            trace_id=trace_id,
            received_key_id=receipt.key_id,
            changed_at=receipt.at,
        )
        for trace_id in trace_ids
    ]
    new.sort(key=lambda trace: trace.pk)
    Trace.objects.bulk_create(new, ignore_conflicts=True, batch_size=_ROWS_PER_STATEMENT)
    locked = Trace.objects.filter(pk__in=[trace.pk for trace in new]).select_for_update().order_by("pk")
    locked = locked.without_run_ids()
    return {trace.trace_id: trace for trace in locked}
