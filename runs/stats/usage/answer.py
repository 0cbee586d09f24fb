"""The numbers of a question: totals, groups and their course, each with what it was in the time before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runs.models import Project
from runs.stats.usage import calendar
from runs.stats.usage.question import KIND, Question
from runs.stats.usage.sums import Cell, Sums, Table, source, table, total

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
    alone. Where `counted_since` is given nothing can be compared with the time before.
    """

    question: Question
    edges: tuple[datetime, ...]
    totals: Sums
    previous: Sums | None
    groups: tuple[Group, ...]
    counted_since: datetime | None
    is_capped: bool

    @property
    def named(self) -> tuple[Group, ...]:
        """The groups without the others."""
        return tuple(group for group in self.groups if not group.others)


def usage(project: Project, question: Question, most: int, *, parts: bool = True) -> Usage:
    """The first `most` groups by what is measured, and the others as one more; in one part where no `parts` are wanted.

    One statement where rollups know all of it; two more at the most.
    """
    split = None if question.split.name == KIND else question.split
    inner = calendar.edges(question.since, question.until, question.zone) if parts else (question.since, question.until)
    found = table(project, question, (question.previous_since, *inner), split, most)
    groups = _groups(found, len(inner) - 1)
    totals, previous, is_capped = _totals(project, question, found)
    if split is None:
        groups = _kinds(groups)
    is_partial = found.since is not None and found.since >= question.since
    return Usage(question, inner, totals, previous, groups, found.since if is_partial else None, is_capped)


def _totals(project: Project, question: Question, found: Table) -> tuple[Sums, Sums | None, bool]:
    """Of all groups; from rollups where these know the filters, though not the split."""
    if found.since is not None and source(question.filters, None):
        edges = (question.previous_since, question.since, question.until)
        exact = table(project, question, edges, None, 1)
        return _of_now(exact), _of_before(exact), False
    is_capped = found.since is not None and found.since >= question.since
    return _of_now(found), _of_before(found) if found.since is None else None, is_capped


def _of_now(found: Table) -> Sums:
    return total(cell.sums for cell in found.cells if cell.place > 0)


def _of_before(found: Table) -> Sums:
    return total(cell.sums for cell in found.cells if cell.place == 0)


def _groups(found: Table, parts: int) -> tuple[Group, ...]:
    """The groups by their rank; those of the time before alone are left out."""
    by_rank: dict[int, list[Cell]] = {}
    for cell in found.cells:
        by_rank.setdefault(cell.rank, []).append(cell)
    groups = (_group(by_rank[rank], parts, found) for rank in sorted(by_rank))
    return tuple(group for group in groups if group.sums.runs)


def _group(cells: Sequence[Cell], parts: int, found: Table) -> Group:
    course = [Sums()] * (parts + 1)
    for cell in cells:
        course[cell.place] = cell.sums
    others = found.groups - (cells[0].rank - 1) if cells[0].is_rest else 0
    return Group(cells[0].key, total(course[1:]), course[0] if found.since is None else None, tuple(course[1:]), others)


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
