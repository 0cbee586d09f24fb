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
from runs.ingest.record_types import ASSISTANTS, KINDS, MESSAGES, RUNS, STEPS, Kind, Post
from runs.ingest.request_bodies import Item
from runs.models import Project
from runs.protocol import lossless_json
from runs.protocol.fields import INDEXED_LENGTH
from runs.protocol.run import RunRecord

__all__ = [
    "ASSISTANTS",
    "KINDS",
    "MESSAGES",
    "RUNS",
    "STEPS",
    "Item",
    "Kind",
    "Outcome",
    "Report",
    "ingest",
    "ingest_mixed",
]


@dataclass(slots=True)
class Report:
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


def ingest(project: Project, kind: Kind, items: Iterable[Item], *, key_id: int | None = None) -> Report:
    """Store `items` of one kind in `project`, in one transaction.

    `key_id` is the API key they came with, None for a command. Objects that don't follow the protocol are
    refused one by one, with every field that is wrong; all others are stored when this returns.
    Raises TooManyRetries, and Django's DatabaseError where the database is away.
    """
    return _ingest(project, ((kind, item) for item in items), key_id)


def ingest_mixed(project: Project, items: Iterable[Item], *, key_id: int | None = None) -> Report:
    """Store objects of all kinds as they come, told apart by their `object`; else like `ingest`."""
    return _ingest(project, ((_kind_of(item), item) for item in items), key_id)


def _ingest(project: Project, items: Iterable[tuple[Kind, Item]], key_id: int | None) -> Report:
    report = Report()
    receipt = Receipt(timezone.now(), key_id)
    batches: dict[Kind, list[Post]] = {kind: [] for kind in KINDS.values()}
    for kind, item in items:
        report.received += 1
        if post := _parsed(project, kind, item, report):
            batches[kind].append(post)
    try:
        report.outcomes = write.write(project, batches, receipt)
    except DatabaseError as error:
        if not write.refuses(error):
            raise
        _write_one_by_one(project, batches, receipt, report)
    report.errors.sort(key=lambda problem: problem.index or 0)
    return report


def _kind_of(item: Item) -> Kind:
    """What an item says it is; what can't be told is read as a run, so that the refusal says what is wrong."""
    if item.expected is not None:
        return KINDS[item.expected]
    try:
        found = lossless_json.fields(item.raw).get("object", b"")
    except RunglassError:
        return RUNS
    return KINDS.get(found.strip(b'"').decode(), RUNS)


def _parsed(project: Project, kind: Kind, item: Item, report: Report) -> Post | None:
    posted: dict[str, bytes] = {}
    try:
        post = kind.parse_plain(project, item.index, item.raw)
        if post is None:
            lossless_json.check_depth(item.raw)
            posted = lossless_json.fields(item.raw)
            post = kind.parse(project, item.index, posted)
    except RunglassError as error:
        found = error.problems or [Problem("", error.message)]
        name = _posted_id(posted)
        report.errors += [
            replace(each, path=item.path + each.path, index=item.index, id=name, line=item.line) for each in found
        ]
        return None
    report.ids[item.index] = post.record.external_id
    if isinstance(post.record, RunRecord):
        report.revisions[post.record.revision] += 1
    return post


def _posted_id(posted: dict[str, bytes]) -> str | None:
    name = lossless_json.value(posted["id"]) if "id" in posted else None
    return lossless_json.clean(name)[:INDEXED_LENGTH] if isinstance(name, str) else None


def _write_one_by_one(project: Project, batches: write.Batches, receipt: Receipt, report: Report) -> None:
    """Postgres refused a row that looked right: find it, so that it doesn't take its neighbours along."""
    for kind, posts in batches.items():
        for post in posts:
            try:
                report.outcomes |= write.write(project, {kind: [post]}, receipt)
            except DatabaseError as error:
                if not write.refuses(error):
                    raise
                reason = f"refused by the database: {str(error).splitlines()[0]}"
                report.errors.append(Problem("", reason, post.index, report.ids.pop(post.index)))
