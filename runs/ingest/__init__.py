"""The way in: bytes of any accepted form become items, items become records, records are merged and written.

`ingest()` is the one door; the REST API, the import command and the demo data all use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.db import DatabaseError
from django.utils import timezone

from runs.errors import Problem, RunglassError
from runs.ingest import write
from runs.ingest.bodies import Item
from runs.ingest.kinds import KINDS, MESSAGES, RUNS, STEPS, Kind, Post
from runs.ingest.merge import Outcome
from runs.ingest.plan import Receipt
from runs.models import Project
from runs.protocol import run, text
from runs.protocol.run import RunRecord

__all__ = ["KINDS", "MESSAGES", "RUNS", "STEPS", "Item", "Kind", "Outcome", "Report", "ingest", "ingest_mixed"]


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
    report = Report()
    posts = list(_parse(project, kind, items, report))
    receipt = Receipt(timezone.now(), key_id)
    try:
        report.outcomes = write.write(project, kind, posts, receipt) if posts else {}
    except DatabaseError as error:
        if not write.refuses(error):
            raise
        _write_one_by_one(project, kind, posts, receipt, report)
    report.errors.sort(key=lambda problem: problem.index or 0)
    return report


def ingest_mixed(project: Project, items: Iterable[Item], *, key_id: int | None = None) -> Report:
    """Store runs, steps and messages as they come, told apart by their `object`; a transaction per kind."""
    report = Report()
    sorted_out: dict[str, list[Item]] = {name: [] for name in KINDS}
    for item in items:
        found = _object(item.raw)
        sorted_out[found if found in sorted_out else run.OBJECT].append(item)
    for name, found_items in sorted_out.items():
        part = ingest(project, KINDS[name], found_items, key_id=key_id)
        report.received += part.received
        report.ids |= part.ids
        report.outcomes |= part.outcomes
        report.errors += part.errors
        report.revisions += part.revisions
    return report


def _object(raw: bytes) -> str:
    """What an item says it is; what can't be told is read as a run, so that the refusal says what is wrong."""
    try:
        found = text.value(text.fields(raw).get("object", b"null"))
    except RunglassError:
        return run.OBJECT
    return found if isinstance(found, str) else run.OBJECT


def _parse(project: Project, kind: Kind, items: Iterable[Item], report: Report) -> Iterable[Post]:
    for item in items:
        report.received += 1
        posted: dict[str, bytes] = {}
        try:
            posted = text.fields(item.raw)
            post = kind.parse(project, item.index, posted)
        except RunglassError as error:
            found = error.problems or [Problem("", error.message)]
            name = _posted_id(posted)
            report.errors += [replace(each, index=item.index, id=name, line=item.line) for each in found]
        else:
            report.ids[item.index] = post.record.external_id
            if isinstance(post.record, RunRecord):
                report.revisions[post.record.revision] += 1
            yield post


def _posted_id(posted: dict[str, bytes]) -> str | None:
    name = text.value(posted["id"]) if "id" in posted else None
    return name[:256] if isinstance(name, str) else None


def _write_one_by_one(
    project: Project, kind: Kind, posts: Sequence[Post], receipt: Receipt, report: Report
) -> None:
    """Postgres refused a row that looked right: find it, so that it doesn't take its neighbours along."""
    for post in posts:
        try:
            report.outcomes |= write.write(project, kind, [post], receipt)
        except DatabaseError as error:
            if not write.refuses(error):
                raise
            reason = str(error).splitlines()[0]
            report.errors.append(Problem("", f"refused by the database: {reason}", post.index, report.ids.pop(post.index)))
