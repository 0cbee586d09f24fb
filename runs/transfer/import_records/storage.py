"""Store a batch of records, each kind by the part of ingest that takes it over HTTP as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import msgspec

from runs.errors import Problem, RunglassError
from runs.ingest import IngestReport, Outcome, RawItem
from runs.models import Project
from runs.protocol.otlp.export_requests import LOGS, TRACES, OtlpItem, OtlpSignal, split_export_request
from runs.responses import (
    ingest_any,
    ingest_conversations,
    parse_item_page,
    store_conversation_items,
    store_input_items,
)
from runs.traces.ingest import TraceIngestReport, ingest_agents_objects, ingest_span_logs, ingest_spans
from runs.transfer.import_records.page_owners import UNKNOWN_OWNER, ItemListName
from runs.transfer.import_records.records import ImportKind, ImportRecord

METRICS_IGNORED = "metrics are ignored: usage and durations are computed from spans"
_PAGE_WRITERS = {
    ItemListName.INPUT_ITEMS: store_input_items,
    ItemListName.CONVERSATION_ITEMS: store_conversation_items,
}


@dataclass(slots=True)
class StoredBatch:
    """The result of storing a batch of records.

    `outcomes` counts runs and other objects, spans and pages; `ids` names those that have an id of their own.
    `problems` has those of rejected records, by the position of the record in the batch.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    ids: list[tuple[Outcome, str]] = field(default_factory=list)
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    revisions: Counter[str] = field(default_factory=Counter)
    ignored: int = 0

    def add_objects(self, report: IngestReport) -> None:
        """Add the report of objects whose indexes are their positions in the batch."""
        self.outcomes.update(outcome.value for outcome in report.outcomes.values())
        self.outcomes["rejected"] += report.counts["rejected"]
        self.ids += [(outcome, report.ids[index]) for index, outcome in report.outcomes.items()]
        self.warnings += report.warnings
        self.revisions += report.revisions
        self.ignored += report.ignored
        for problem in report.errors:
            self.problems.setdefault(problem.index or 0, []).append(problem)

    def add_traces(self, report: TraceIngestReport, positions: Sequence[int]) -> None:
        """Add the report of spans or log records, which came from the records at `positions`."""
        unchanged = report.received - report.created - report.updated - report.rejected - report.ignored
        self.outcomes[Outcome.CREATED.value] += report.created
        self.outcomes[Outcome.UPDATED.value] += report.updated
        self.outcomes[Outcome.UNCHANGED.value] += unchanged
        self.outcomes["rejected"] += report.rejected
        self.ignored += report.ignored
        for problem in report.errors:
            position = positions[problem.index or 0]
            self.problems.setdefault(position, []).append(problem)

    def reject(self, positions: Iterable[int], problems: Iterable[Problem]) -> None:
        """Add records that are rejected for the same problems."""
        for position in positions:
            self.outcomes["rejected"] += 1
            self.problems.setdefault(position, []).extend(problems)


_Positioned = list[tuple[int, ImportRecord]]


def store_import_records(project: Project, records: Sequence[ImportRecord]) -> StoredBatch:
    """Store records that come after each other in a file.

    Each kind is stored in one transaction, and each page of items in its own. Raises TooManyRetries, DiskFull, and
    Django's DatabaseError.
    """
    batch = StoredBatch()
    by_kind: dict[ImportKind, _Positioned] = {}
    for position, record in enumerate(records):
        by_kind.setdefault(record.kind, []).append((position, record))
    for kind, found in by_kind.items():
        _WRITERS[kind](project, found, batch)
    return batch


def _store_objects(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    items = [RawItem(position, record.raw, record.line, record.path, record.expected) for position, record in records]
    batch.add_objects(ingest_any(project, items))


def _store_conversation_objects(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    items = [RawItem(position, record.raw, record.line) for position, record in records]
    batch.add_objects(ingest_conversations(project, items))


def _store_pages(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    for position, record in records:
        _store_page_of([position], record, batch, project)


def _store_items(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    """Store items without their page as one page for each response or conversation."""
    for _, group in groupby(records, key=lambda found: found[1].owner):
        found = list(group)
        raw = b"[" + b",".join(record.raw for _, record in found) + b"]"
        page = msgspec.structs.replace(found[0][1], raw=raw)
        _store_page_of([position for position, _ in found], page, batch, project)


def _store_page_of(positions: list[int], record: ImportRecord, batch: StoredBatch, project: Project) -> None:
    if record.owner is None:
        batch.reject(positions, [Problem("", UNKNOWN_OWNER, line=record.line)])
        return
    try:
        page = parse_item_page(record.raw, order=record.order, after=record.after)
        changed = _PAGE_WRITERS[record.owner.items](project, record.owner.id, page)
    except RunglassError as error:
        batch.reject(positions, _locate(error, record))
        return
    batch.outcomes[Outcome.UPDATED.value] += min(changed, 1) * len(positions)
    batch.outcomes[Outcome.UNCHANGED.value] += (not changed) * len(positions)


def _store_traces(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    _store_export_requests(project, TRACES, ingest_spans, records, batch)


def _store_logs(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    _store_export_requests(project, LOGS, ingest_span_logs, records, batch)


def _store_export_requests(
    project: Project,
    signal: OtlpSignal,
    ingest_items: Callable[[Project, Iterable[OtlpItem]], TraceIngestReport],
    records: _Positioned,
    batch: StoredBatch,
) -> None:
    """Store the spans or log records of several requests together, since files often have a span per line."""
    items: list[OtlpItem] = []
    positions: list[int] = []
    for position, record in records:
        try:
            found = list(split_export_request(signal, record.raw, record.content_type))
        except RunglassError as error:
            batch.reject([position], _locate(error, record))
            continue
        items += [msgspec.structs.replace(item, index=len(items) + number) for number, item in enumerate(found)]
        positions += [position] * len(found)
    batch.add_traces(ingest_items(project, items), positions)


def _store_agents_objects(project: Project, records: _Positioned, batch: StoredBatch) -> None:
    report = ingest_agents_objects(project, [record.raw for _, record in records])
    # Their paths are those of a request, which a file does not have.
    report.errors = [replace(problem, path="") for problem in report.errors]
    batch.add_traces(report, [position for position, _ in records])


def _ignore_metrics(project: Project, records: _Positioned, batch: StoredBatch) -> None:  # noqa: ARG001
    batch.ignored += len(records)
    batch.warnings += [Problem("", METRICS_IGNORED, line=record.line) for _, record in records]


def _reject_invalid(project: Project, records: _Positioned, batch: StoredBatch) -> None:  # noqa: ARG001
    for position, record in records:
        batch.reject([position], record.problems)


def _locate(error: RunglassError, record: ImportRecord) -> list[Problem]:
    problems = error.problems or (Problem("", error.message),)
    return [replace(problem, path=record.path + problem.path, line=record.line) for problem in problems]


_WRITERS: dict[ImportKind, Callable[[Project, _Positioned, StoredBatch], None]] = {
    ImportKind.OBJECT: _store_objects,
    ImportKind.CONVERSATION: _store_conversation_objects,
    ImportKind.ITEM_PAGE: _store_pages,
    ImportKind.ITEM: _store_items,
    ImportKind.TRACES: _store_traces,
    ImportKind.LOGS: _store_logs,
    ImportKind.METRICS: _ignore_metrics,
    ImportKind.AGENTS_OBJECT: _store_agents_objects,
    ImportKind.INVALID: _reject_invalid,
}
