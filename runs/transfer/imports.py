"""Files into the database, batch by batch: what `manage.py import_runs` does, without a word of printing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import transaction

from runs.errors import Problem, RunglassError, UnreadableBody
from runs.ingest import IngestReport, ingest_mixed
from runs.ingest.request_bodies import RawItem, unwrap_list
from runs.models import Project
from runs.protocol import lossless_json
from runs.transfer.import_files import ImportSource, RawJsonValue, read_json_values

_BATCH_ITEMS = 500
_BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that was refused: where it stands, all that is wrong with it, and its text."""

    source: str
    line: int
    id: str | None
    problems: tuple[Problem, ...]
    raw: bytes


@dataclass(slots=True)
class ImportSummary:
    """What became of every record of an import, and what was wrong with files as a whole."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    revisions: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.outcomes.total()

    def add(self, report: IngestReport) -> None:
        """Count what became of one batch."""
        self.outcomes.update(outcome.value for outcome in report.outcomes.values())
        self.outcomes["rejected"] += report.counts["rejected"]
        self.reasons.update(_reason(problem) for problem in report.errors)
        self.revisions.update(report.revisions)


@dataclass(frozen=True, slots=True)
class ImportedBatch:
    """A stored batch: the report of its records, by their index, and those that were refused."""

    report: IngestReport
    rejected: list[RejectedRecord]


def import_source(
    project: Project, source: ImportSource, verdicts: ImportSummary, *, dry_run: bool = False
) -> Iterator[ImportedBatch]:
    """Store what `source` holds, batch by batch, and add to `verdicts`; with `dry_run` nothing is kept.

    Safe to stop and to repeat: what is stored already is unchanged. Raises UnreadableBody for damaged data,
    after everything before the damage was stored.
    """
    for batch in _batches(_records(read_json_values(source))):
        items = [RawItem(index, value.raw, value.line) for index, value in enumerate(batch)]
        report = _tried(project, items) if dry_run else ingest_mixed(project, items)
        verdicts.add(report)
        yield ImportedBatch(report, _rejected(source, batch, report))


def _tried(project: Project, items: list[RawItem]) -> IngestReport:
    """What storing `items` would report."""
    with transaction.atomic():
        report = ingest_mixed(project, items)
        transaction.set_rollback(True)
    return report


def _records(found: Iterable[RawJsonValue]) -> Iterator[RawJsonValue]:
    """The records among `found`: list envelopes are opened."""
    for value in found:
        data = _data(value.raw)
        if data is None:
            yield value
        else:
            yield from (RawJsonValue(element, value.line) for element in lossless_json.split_array(data))


def _data(raw: bytes) -> bytes | None:
    if b'"data"' not in raw:
        return None
    try:
        return unwrap_list(lossless_json.split_object(raw))
    except RunglassError:
        return None


def _batches(records: Iterable[RawJsonValue]) -> Iterator[list[RawJsonValue]]:
    """`records` in lots; those before damage come before its error."""
    batch: list[RawJsonValue] = []
    size = 0
    try:
        for record in records:
            batch.append(record)
            size += len(record.raw)
            if len(batch) == _BATCH_ITEMS or size > _BATCH_BYTES:
                full, batch, size = batch, [], 0
                yield full
    except UnreadableBody:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _rejected(source: ImportSource, batch: list[RawJsonValue], report: IngestReport) -> list[RejectedRecord]:
    problems: dict[int, list[Problem]] = {}
    for problem in report.errors:
        problems.setdefault(problem.index or 0, []).append(problem)
    return [
        RejectedRecord(source.name, batch[index].line, each[0].id, tuple(each), batch[index].raw)
        for index, each in problems.items()
    ]


def _reason(problem: Problem) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else problem.message
