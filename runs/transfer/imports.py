"""Import files into the database batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import transaction

from runs.errors import Problem, UnreadableBody
from runs.ingest import IngestReport
from runs.ingest.events import EventBody
from runs.models import Project
from runs.transfer.import_files import ImportSource
from runs.transfer.import_records import (
    ImportRecord,
    PageDefaults,
    StoredBatch,
    read_import_records,
    store_import_records,
)

_MAX_BATCH_RECORDS = 500
_MAX_BATCH_BYTES = 8 * 1024 * 1024
_MAX_REASONS = 1_000  # that are counted one by one, since some name what was found
_OTHER_REASONS = "other reasons"
# A file of which so many records are rejected, and nothing before them is accepted, holds something else.
_MAX_LEADING_REJECTS = 10_000


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A rejected record: its file, position in it from 0, line if it is text, every problem, and content."""

    source: str
    index: int
    line: int | None
    id: str | None
    problems: tuple[Problem, ...]
    raw: bytes


@dataclass(slots=True)
class ImportSummary:
    """Counts over all records of an import: by outcome, reason of rejection, warning and, for runs, protocol revision.

    `ignored` counts what is no record by intention, such as stream events that repeat parts of others.
    `damaged_files` are the error messages of files that could not be read to their end.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    revisions: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    damaged_files: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of records, rejected ones included."""
        return self.outcomes.total()

    def add_batch(self, batch: StoredBatch) -> None:
        """Add the counts of one batch of a file."""
        self.outcomes.update(batch.outcomes)
        _count_problems(self.reasons, (problem for found in batch.problems.values() for problem in found))
        _count_problems(self.warnings, batch.warnings)
        self.revisions.update(batch.revisions)
        self.ignored += batch.ignored

    def add(self, report: IngestReport) -> None:
        """Add the counts of one request."""
        self.outcomes.update(outcome.value for outcome in report.outcomes.values())
        self.outcomes["rejected"] += report.counts["rejected"]
        _count_problems(self.reasons, report.errors)
        _count_problems(self.warnings, report.warnings)
        self.revisions.update(report.revisions)


def _count_problems(counter: Counter[str], problems: Iterable[Problem]) -> None:
    for problem in problems:
        text = f"{problem.path}: {problem.message}" if problem.path else problem.message
        is_counted = text in counter or len(counter) < _MAX_REASONS
        counter[text if is_counted else _OTHER_REASONS] += 1


@dataclass(frozen=True, slots=True)
class ImportedBatch:
    """The result of one batch, and the rejected records in it."""

    stored: StoredBatch
    rejected: list[RejectedRecord]


def import_source(
    project: Project,
    source: ImportSource,
    summary: ImportSummary,
    defaults: PageDefaults = PageDefaults(),  # noqa: B008  (frozen)
    *,
    dry_run: bool = False,
) -> Iterator[ImportedBatch]:
    """Store the records of `source` batch by batch and count them in `summary`.

    `defaults` hold for pages of items that do not say whose they are. With `dry_run`, each batch is rolled back. An
    import may be stopped at any time and repeated: records that are stored already are unchanged.

    Raises:
        UnreadableBody: the file is damaged, or nothing in its beginning is accepted. Everything before that place
            was stored.
    """
    read_count = 0
    leading_rejects: int | None = 0  # None after the first accepted record
    events = EventBody()
    for records in _group_into_batches(read_import_records(source, defaults, events)):
        batch = _store_and_roll_back(project, records) if dry_run else store_import_records(project, records)
        batch.warnings += events.warnings
        events.warnings = []
        summary.add_batch(batch)
        rejected = [
            RejectedRecord(
                source.name,
                read_count + position,
                records[position].line,
                found[0].id,
                tuple(found),
                records[position].raw,
            )
            for position, found in sorted(batch.problems.items())
        ]
        read_count += len(records)
        yield ImportedBatch(batch, rejected)
        is_accepted = batch.outcomes.total() > batch.outcomes["rejected"]
        leading_rejects = None if is_accepted or leading_rejects is None else leading_rejects + len(rejected)
        if leading_rejects is not None and leading_rejects >= _MAX_LEADING_REJECTS:
            message = f"the first {leading_rejects:,} records were rejected, so the others were not read"
            raise UnreadableBody(f"{source.name}: {message}")
    summary.ignored += events.ignored
    _count_problems(summary.warnings, events.warnings)


def _store_and_roll_back(project: Project, records: list[ImportRecord]) -> StoredBatch:
    with transaction.atomic():
        batch = store_import_records(project, records)
        transaction.set_rollback(True)
    return batch


def _group_into_batches(records: Iterable[ImportRecord]) -> Iterator[list[ImportRecord]]:
    """Group `records` into batches. Those before a damaged place are yielded before its error is raised."""
    batch: list[ImportRecord] = []
    size = 0
    try:
        for record in records:
            batch.append(record)
            size += len(record.raw)
            if len(batch) == _MAX_BATCH_RECORDS or size > _MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except UnreadableBody:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
