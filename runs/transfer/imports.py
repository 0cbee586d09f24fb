"""Import files into the database batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import transaction

from runs.errors import Problem, RunglassError, TooManyObjects, UnreadableBody
from runs.ingest import IngestReport, RawItem
from runs.ingest.request_bodies import unwrap_list
from runs.models import Project
from runs.protocol.lossless_json import split_array, split_object
from runs.responses import ingest_any
from runs.transfer.import_files import ImportSource, RawJsonValue, read_json_values

_MAX_BATCH_RECORDS = 500
_MAX_BATCH_BYTES = 8 * 1024 * 1024
_MAX_LIST_OBJECTS = 1_000_000
_MAX_REASONS = 1_000  # that are counted one by one, since some name what was found
_OTHER_REASONS = "other reasons"
# A file of which so many records are rejected, and nothing before them is accepted, holds something else.
_MAX_LEADING_REJECTS = 10_000


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A rejected record: its file and line, every problem, and its text."""

    source: str
    line: int
    id: str | None
    problems: tuple[Problem, ...]
    raw: bytes


@dataclass(slots=True)
class ImportSummary:
    """Counts over all records of an import: by outcome, reason of rejection, warning and, for runs, protocol revision.

    `damaged_files` are the error messages of files that could not be read to their end.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    revisions: Counter[str] = field(default_factory=Counter)
    damaged_files: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of records, rejected ones included."""
        return self.outcomes.total()

    def add(self, report: IngestReport) -> None:
        """Add the counts of one batch."""
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
    """The report of one stored batch, by the index of its records, and the rejected ones among them."""

    report: IngestReport
    rejected: list[RejectedRecord]


def import_source(
    project: Project, source: ImportSource, summary: ImportSummary, *, dry_run: bool = False
) -> Iterator[ImportedBatch]:
    """Store the records of `source` batch by batch and count them in `summary`.

    With `dry_run`, each batch is rolled back. An import may be stopped at any time and repeated: records that are
    stored already are unchanged.

    Raises:
        UnreadableBody: the file is damaged, or nothing in its beginning is accepted. Everything before that place
            was stored.
    """
    leading_rejects: int | None = 0  # None after the first accepted record
    for batch in _group_into_batches(_unwrap_lists(read_json_values(source))):
        items = [RawItem(index, value.raw, value.line) for index, value in enumerate(batch)]
        report = _ingest_and_roll_back(project, items) if dry_run else ingest_any(project, items)
        summary.add(report)
        problems: dict[int, list[Problem]] = {}
        for problem in report.errors:
            problems.setdefault(problem.index or 0, []).append(problem)
        rejected = [
            RejectedRecord(source.name, batch[index].line, found[0].id, tuple(found), batch[index].raw)
            for index, found in problems.items()
        ]
        yield ImportedBatch(report, rejected)
        leading_rejects = None if report.outcomes or leading_rejects is None else leading_rejects + len(rejected)
        if leading_rejects is not None and leading_rejects >= _MAX_LEADING_REJECTS:
            message = f"the first {leading_rejects:,} records were rejected, so the others were not read"
            raise UnreadableBody(f"{source.name}: {message}")


def _ingest_and_roll_back(project: Project, items: list[RawItem]) -> IngestReport:
    with transaction.atomic():
        report = ingest_any(project, items)
        transaction.set_rollback(True)
    return report


def _unwrap_lists(values: Iterable[RawJsonValue]) -> Iterator[RawJsonValue]:
    """Yield the elements of list envelopes, and every other value as it is."""
    for value in values:
        data = _find_list_data(value.raw)
        if data is None:
            yield value
        else:
            try:
                elements = split_array(data, _MAX_LIST_OBJECTS)
            except TooManyObjects as error:
                raise UnreadableBody(f"line {value.line:,}: {error.message}") from error
            yield from (RawJsonValue(element, value.line) for element in elements)


def _find_list_data(raw: bytes) -> bytes | None:
    if b'"data"' not in raw:  # spares parsing nearly every record
        return None
    try:
        return unwrap_list(split_object(raw))
    except RunglassError:
        return None


def _group_into_batches(values: Iterable[RawJsonValue]) -> Iterator[list[RawJsonValue]]:
    """Group `values` into batches. Those before a damaged place are yielded before its error is raised."""
    batch: list[RawJsonValue] = []
    size = 0
    try:
        for value in values:
            batch.append(value)
            size += len(value.raw)
            if len(batch) == _MAX_BATCH_RECORDS or size > _MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except UnreadableBody:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
