"""The way in: bytes of any accepted form become items, items become records, records are merged and written.

`ingest()` is the one door; the REST API, the import command and the demo data all use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.db import DatabaseError
from django.utils import timezone

from runs.errors import Problem, RunglassError
from runs.ingest import write
from runs.ingest.merge import Outcome
from runs.ingest.merge_plan import Receipt
from runs.ingest.record_types import ASSISTANTS, MESSAGES, RECORD_TYPES, RUNS, STEPS, ParsedRecord, RecordType
from runs.ingest.request_bodies import RawItem
from runs.models import Project
from runs.protocol import lossless_json
from runs.protocol.fields import MAX_INDEXED_LENGTH
from runs.protocol.run import RunColumns

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
    """What became of each object of a request, by its index in the body."""

    received: int = 0
    ids: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)
    revisions: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        """How many were received, of each outcome, and rejected."""
        found = Counter(self.outcomes.values())
        rejected = len({problem.index for problem in self.errors})
        return {"received": self.received, **{each.value: found[each] for each in Outcome}, "rejected": rejected}


def ingest(project: Project, kind: RecordType, items: Iterable[RawItem], *, key_id: int | None = None) -> IngestReport:
    """Store `items` of one kind in `project`, in one transaction.

    `key_id` is the API key they came with, None for a command. Objects that don't follow the protocol are
    refused one by one, with every field that is wrong; all others are stored when this returns.
    Raises TooManyRetries, and Django's DatabaseError where the database is away.
    """
    return _ingest_records(project, ((kind, item) for item in items), key_id)


def ingest_mixed(project: Project, items: Iterable[RawItem], *, key_id: int | None = None) -> IngestReport:
    """Store objects of all kinds as they come, told apart by their `object`; else like `ingest`."""
    return _ingest_records(project, ((_record_type_of(item), item) for item in items), key_id)


def _ingest_records(project: Project, items: Iterable[tuple[RecordType, RawItem]], key_id: int | None) -> IngestReport:
    report = IngestReport()
    receipt = Receipt(timezone.now(), key_id)
    batches: dict[RecordType, list[ParsedRecord]] = {kind: [] for kind in RECORD_TYPES.values()}
    for kind, item in items:
        report.received += 1
        if post := _parse_record(project, kind, item, report):
            batches[kind].append(post)
    try:
        report.outcomes = write.write_records(project, batches, receipt)
    except DatabaseError as error:
        if not write.is_value_refused(error):
            raise
        _write_one_by_one(project, batches, receipt, report)
    report.errors.sort(key=lambda problem: problem.index or 0)
    return report


def _record_type_of(item: RawItem) -> RecordType:
    """What an item says it is; what can't be told is read as a run, so that the refusal says what is wrong."""
    if item.expected is not None:
        return RECORD_TYPES[item.expected]
    try:
        found = lossless_json.split_object(item.raw).get("object", b"")
    except RunglassError:
        return RUNS
    return RECORD_TYPES.get(found.strip(b'"').decode(), RUNS)


def _parse_record(project: Project, kind: RecordType, item: RawItem, report: IngestReport) -> ParsedRecord | None:
    posted: dict[str, bytes] = {}
    try:
        post = kind.parse_plain(project, item.index, item.raw)
        if post is None:
            lossless_json.check_json_depth(item.raw)
            posted = lossless_json.split_object(item.raw)
            post = kind.parse(project, item.index, posted)
    except RunglassError as error:
        found = error.problems or [Problem("", error.message)]
        name = _posted_id(posted)
        report.errors += [
            replace(each, path=item.path + each.path, index=item.index, id=name, line=item.line) for each in found
        ]
        return None
    report.ids[item.index] = post.record.external_id
    if isinstance(post.record, RunColumns):
        report.revisions[post.record.revision] += 1
    return post


def _posted_id(posted: dict[str, bytes]) -> str | None:
    name = lossless_json.decode_json(posted["id"]) if "id" in posted else None
    return lossless_json.clean_text(name)[:MAX_INDEXED_LENGTH] if isinstance(name, str) else None


def _write_one_by_one(project: Project, batches: write.Batches, receipt: Receipt, report: IngestReport) -> None:
    """Postgres refused a row that looked right: find it, so that it doesn't take its neighbours along."""
    for kind, posts in batches.items():
        for post in posts:
            try:
                report.outcomes |= write.write_records(project, {kind: [post]}, receipt)
            except DatabaseError as error:
                if not write.is_value_refused(error):
                    raise
                reason = f"refused by the database: {str(error).splitlines()[0]}"
                report.errors.append(Problem("", reason, post.index, report.ids.pop(post.index)))
