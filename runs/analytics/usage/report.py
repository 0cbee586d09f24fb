"""The numbers of a question: totals, groups and their course, each with what it was in the time before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runs.analytics.usage.query import KIND, Question
from runs.analytics.usage.rollup_reader import EVERYTHING, NOTHING, Found, Sums, Table, Wanted, source, table, total
from runs.models import Project, Run
from runs.rollups import local_time

# Which tokens are which: those of the prompt that were not cached, and so on. No token is of two kinds.
KINDS = ("prompt", "cached", "completion", "reasoning", "other")


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have the value `key` in common (None: that have none), or all `others` of so many groups.

    `course` are the sums of each part of the time; `previous` of the time before, None where that is not known.
    """

    key: str | None
    sums: Sums
    previous: Sums | None
    course: tuple[Sums, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """An answer. `edges` bound the parts of the time; `counted_since` is where the groups begin if not at its start.

    `totals` and `previous` are of all that match, and exact unless `is_capped`: then they too are of the newest runs
    alone. Where `counted_since` is given nothing can be compared with the time before. That `is_comparable` if the
    project had runs before it began: set against what was only just beginning, everything would have multiplied.
    """

    question: Question
    edges: tuple[datetime, ...]
    totals: Sums
    previous: Sums | None
    groups: tuple[Group, ...]
    counted_since: datetime | None
    is_capped: bool
    is_comparable: bool

    @property
    def named(self) -> tuple[Group, ...]:
        """The groups without the others."""
        return tuple(group for group in self.groups if not group.others)


def usage(project: Project, question: Question, most: int, wanted: Wanted = EVERYTHING, *, parts: bool = True) -> Usage:
    """The first `most` groups by what is measured, and the others as one more; in one part where no `parts` are wanted.

    One statement where rollups know all of it, two more at the most; and one for whether it can be compared.
    """
    split = None if question.split.name == KIND else question.split
    inner = (
        local_time.edges(question.since, question.until, question.zone) if parts else (question.since, question.until)
    )
    begin = question.previous_since if wanted.before else question.since
    found = table(project, question, (begin, *inner), split, most, wanted)
    groups = tuple(_group(each, len(inner) - 1, found, most) for each in found.found if each.now.runs)
    totals, previous, is_capped = _totals(project, question, found, wanted)
    if split is None:
        groups = _kinds(groups)
    if not wanted.before:
        previous, groups = None, tuple(replace(group, previous=None) for group in groups)
    is_partial = found.since is not None and found.since >= question.since
    is_comparable = previous is not None and bool(previous.runs) and _had_runs(project, question.previous_since)
    since = found.since if is_partial else None
    return Usage(question, inner, totals, previous, groups, since, is_capped, is_comparable)


def _had_runs(project: Project, before: datetime) -> bool:
    first = Run.objects.in_project(project).oldest_created_at()
    return first is not None and first < before


def _totals(project: Project, question: Question, found: Table, wanted: Wanted) -> tuple[Sums, Sums | None, bool]:
    """Of all groups; from rollups where these know the filters, though not the split."""
    if found.since is not None and source(question.filters, None):
        edges = (question.previous_since, question.since, question.until)
        exact = table(project, question, edges, None, 1, wanted)
        return _now(exact), _before(exact), False
    is_capped = found.since is not None and found.since >= question.since
    return _now(found), _before(found) if found.since is None else None, is_capped


def _now(found: Table) -> Sums:
    return total(each.now for each in found.found)


def _before(found: Table) -> Sums:
    return total(each.before for each in found.found)


def _group(found: Found, parts: int, whole: Table, most: int) -> Group:
    course = (found.course or {1: found.now}) if parts == 1 else found.course
    return Group(
        found.key,
        found.now,
        found.before if whole.since is None else None,
        tuple(course.get(place, NOTHING) for place in range(1, parts + 1)),
        whole.groups - most if found.is_rest else 0,
    )


def _kinds(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The tokens of all runs by their kind, those that occur."""
    if not groups:
        return ()
    (whole,) = groups
    found = [
        Group(
            kind,
            _of_kind(whole.sums, kind),
            None if whole.previous is None else _of_kind(whole.previous, kind),
            tuple(_of_kind(sums, kind) for sums in whole.course),
        )
        for kind in KINDS
    ]
    return tuple(group for group in found if group.sums.total_tokens)


def _of_kind(sums: Sums, kind: str) -> Sums:
    """`sums` with those tokens of one kind as all that there are."""
    cached = min(sums.cached_tokens, sums.prompt_tokens)
    reasoning = min(sums.reasoning_tokens, sums.completion_tokens)
    tokens = {
        "prompt": sums.prompt_tokens - cached,
        "cached": cached,
        "completion": sums.completion_tokens - reasoning,
        "reasoning": reasoning,
        "other": max(sums.total_tokens - sums.prompt_tokens - sums.completion_tokens, 0),
    }
    return Sums(runs=sums.runs, total_tokens=tokens[kind])
