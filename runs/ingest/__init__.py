"""Ingest: parse posted objects, merge them with stored records, and write the result.

A request passes these modules in order: `request_bodies` splits the body into a `RawItem` per object, `record_types`
parses each into a `ParsedRecord`, `merge` builds a `MergePlan` from it and the `StoredRecord`, and `write` writes the
rows. `ingest()` and `ingest_mixed()` are the entry points for the REST API, the import command and the demo data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace

from django.db import DatabaseError
from django.utils import timezone

from runs.errors import Problem, RunglassError
from runs.ingest import write
from runs.ingest.implausible_times import replace_implausible_time
from runs.ingest.merge import Outcome, Receipt
from runs.ingest.metrics import count_ingested
from runs.ingest.object_limits import ObjectLimits, check_object_limits, load_object_limits
from runs.ingest.record_types import ASSISTANTS, MESSAGES, RECORD_TYPES, RUNS, STEPS, ParsedRecord, RecordType
from runs.ingest.request_bodies import RawItem
from runs.models import Project, RunSource
from runs.protocol.fields import truncate_indexed
from runs.protocol.lossless_json import check_json_depth, decode_json, split_object
from runs.protocol.run import RunColumns

# The objects that the runs of a source are derived from.
DERIVED_FROM = {RunSource.RESPONSES: "responses", RunSource.OTEL: "the spans of a trace"}

__all__ = [
    "ASSISTANTS",
    "MESSAGES",
    "RECORD_TYPES",
    "RUNS",
    "STEPS",
    "IngestReport",
    "Outcome",
    "RawItem",
    "RecordType",
    "ingest",
    "ingest_mixed",
]


@dataclass(slots=True)
class IngestReport:
    """The result for each object of a request, by its index in the body.

    `revisions` counts the valid runs by revision of the protocol, `ignored` the objects that are no records.
    """

    received: int = 0
    ids: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    revisions: Counter[str] = field(default_factory=Counter)
    ignored: int = 0

    def add(self, other: IngestReport) -> None:
        """Add the results of other objects of the same request."""
        self.received += other.received
        self.ids |= other.ids
        self.outcomes |= other.outcomes
        self.errors = sorted([*self.errors, *other.errors], key=lambda problem: problem.index or 0)
        self.warnings += other.warnings
        self.revisions += other.revisions
        self.ignored += other.ignored

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of objects that were received, of each outcome, and rejected."""
        counts = Counter(self.outcomes.values())
        rejected = len({problem.index for problem in self.errors})
        return {
            "received": self.received,
            **{outcome.value: counts[outcome] for outcome in Outcome},
            "rejected": rejected,
        }


def ingest(
    project: Project, record_type: RecordType, items: Iterable[RawItem], *, key_id: int | None = None
) -> IngestReport:
    """Store items of one type in `project`, in one transaction.

    `key_id` is the API key that they came with, None for a command. Invalid objects are rejected one by one, with
    every invalid field; all others are stored when this returns. Raises TooManyRetries, and Django's DatabaseError if
    the database is not available.
    """
    return _ingest(project, ((record_type, item) for item in items), key_id)


def ingest_mixed(project: Project, items: Iterable[RawItem], *, key_id: int | None = None) -> IngestReport:
    """Store items of all types, told apart by their `object`; otherwise like `ingest`."""
    return _ingest(project, ((_detect_record_type(item), item) for item in items), key_id)


def _ingest(project: Project, items: Iterable[tuple[RecordType, RawItem]], key_id: int | None) -> IngestReport:
    report, limits = IngestReport(), load_object_limits()
    receipt = Receipt(timezone.now(), key_id)
    batches: dict[RecordType, list[ParsedRecord]] = {record_type: [] for record_type in RECORD_TYPES.values()}
    received = Counter[str]()

    # 1. Parse all items.
    for record_type, item in items:
        received[record_type.name] += 1
        if record := _parse_item(project, record_type, item, limits, report):
            batches[record_type].append(record)
            if warning := replace_implausible_time(record, receipt.at):
                report.warnings.append(replace(warning, path=item.path + warning.path, line=item.line))
    report.received = received.total()

    # 2. Write all valid records together.
    try:
        report.outcomes = _write_own_records(project, batches, receipt, report)
    except DatabaseError as error:
        if not write.is_value_refused(error):
            raise
        # 3. If Postgres refuses a value of a valid record, write one by one to store all others.
        _write_one_by_one(project, batches, receipt, report)
    report.errors.sort(key=lambda problem: problem.index or 0)
    kinds = {record.index: record_type.name for record_type, records in batches.items() for record in records}
    count_ingested(received, ((kinds[index], outcome) for index, outcome in report.outcomes.items()))
    return report


def _detect_record_type(item: RawItem) -> RecordType:
    """Return the type of an item. An unknown one is parsed as a run, whose error says what is wrong."""
    if item.expected is not None:
        return RECORD_TYPES[item.expected]
    try:
        members = split_object(item.raw)
    except RunglassError:
        return RUNS
    object_type = members.get("object", b"")
    if object_type == b'""':
        return _guess_record_type(members.keys())
    return RECORD_TYPES.get(object_type.strip(b'"').decode(), RUNS)


def _guess_record_type(names: Set[str]) -> RecordType:
    """Return the type of an object with an empty `object`, by the members that only this type requires."""
    if "role" in names:
        return MESSAGES
    return STEPS if names >= {"run_id", "type"} else RUNS


def _parse_item(
    project: Project, record_type: RecordType, item: RawItem, limits: ObjectLimits, report: IngestReport
) -> ParsedRecord | None:
    """Parse an item, or add its problems to the report and return None."""
    posted: dict[str, bytes] = {}
    try:
        check_object_limits(item.raw, limits)
        record = record_type.parse_fast(project, item.index, item.raw)
        if record is None:
            check_json_depth(item.raw)
            posted = split_object(item.raw)
            record = record_type.parse(project, item.index, posted)
    except RunglassError as error:
        posted_id = decode_json(posted["id"]) if "id" in posted else None
        shown_id = truncate_indexed(posted_id) if isinstance(posted_id, str) else None
        report.errors += [
            replace(problem, path=item.path + problem.path, index=item.index, id=shown_id, line=item.line)
            for problem in error.problems or [Problem("", error.message)]
        ]
        return None
    report.ids[item.index] = record.columns.external_id
    if isinstance(record.columns, RunColumns):
        report.revisions[record.columns.revision] += 1
    return record


def _write_own_records(
    project: Project, batches: write.Batches, receipt: Receipt, report: IngestReport
) -> dict[int, Outcome]:
    """Write the records, and return their outcomes; those that would overwrite derived runs are rejected."""
    try:
        return write.write_records(project, batches, receipt)
    except write.ForeignSource as error:
        own_records: dict[RecordType, list[ParsedRecord]] = {}
        for record_type, records in batches.items():
            sources = error.sources.get(record_type, {})
            own_records[record_type] = [record for record in records if record.key not in sources]
            report.errors += [
                _describe_foreign_source(record_type, record, sources[record.key], report)
                for record in records
                if record.key in sources
            ]
        return _write_own_records(project, own_records, receipt, report)


def _describe_foreign_source(
    record_type: RecordType, record: ParsedRecord, source: RunSource, report: IngestReport
) -> Problem:
    name = "id" if record_type is RUNS else "run_id"
    message = f"belongs to a run that is derived from {DERIVED_FROM[source]}, and can only be changed by posting these"
    return Problem(f"/{name}", message, record.index, report.ids.pop(record.index))


def _write_one_by_one(project: Project, batches: write.Batches, receipt: Receipt, report: IngestReport) -> None:
    for record_type, records in batches.items():
        for record in records:
            try:
                report.outcomes |= _write_own_records(project, {record_type: [record]}, receipt, report)
            except DatabaseError as error:
                if not write.is_value_refused(error):
                    raise
                message = f"refused by the database: {str(error).splitlines()[0]}"
                report.errors.append(Problem("", message, record.index, report.ids.pop(record.index)))
