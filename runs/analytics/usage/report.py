"""The numbers of a question: totals, groups and their course, each with what it was in the time before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runs.analytics.usage.query import TOKEN_KIND_SPLIT, UsageQuery
from runs.analytics.usage.rollup_reader import (
    NO_USAGE,
    SELECT_ALL_SUMS,
    UsageRow,
    UsageSelection,
    UsageSums,
    UsageTable,
    add_usage_sums,
    fetch_usage_table,
    find_rollup_source,
)
from runs.models import Project, Run
from runs.rollups.time_buckets import build_local_edges

# Which tokens are which: those of the prompt that were not cached, and so on. No token is of two kinds.
TOKEN_KINDS = ("prompt", "cached", "completion", "reasoning", "other")


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """Runs that have the value `key` in common (None: that have none), or all `other_count` of so many groups.

    `series` are the sums of each part of the time; `previous` of the time before, None where that is not known.
    """

    key: str | None
    sums: UsageSums
    previous: UsageSums | None
    series: tuple[UsageSums, ...] = ()
    other_count: int = 0


@dataclass(frozen=True, slots=True)
class UsageReport:
    """An answer. `edges` bound the parts of the time; `counted_since` is where the groups begin if not at its start.

    `totals` and `previous` are of all that match, and exact unless `is_capped`: then they too are of the newest runs
    alone. Where `counted_since` is given nothing can be compared with the time before. That `is_comparable` if the
    project had runs before it began: set against what was only just beginning, everything would have multiplied.
    """

    query: UsageQuery
    edges: tuple[datetime, ...]
    totals: UsageSums
    previous: UsageSums | None
    groups: tuple[UsageGroup, ...]
    counted_since: datetime | None
    is_capped: bool
    is_comparable: bool

    @property
    def named_groups(self) -> tuple[UsageGroup, ...]:
        """The groups without the others."""
        return tuple(group for group in self.groups if not group.other_count)


def fetch_usage_report(
    project: Project, question: UsageQuery, most: int, wanted: UsageSelection = SELECT_ALL_SUMS, *, parts: bool = True
) -> UsageReport:
    """The first `most` groups by what is measured, and the others as one more; in one part where no `parts` are wanted.

    One statement where rollups know all of it, two more at the most; and one for whether it can be compared.
    """
    split = None if question.split.name == TOKEN_KIND_SPLIT else question.split
    inner = (
        build_local_edges(question.since, question.until, question.zone) if parts else (question.since, question.until)
    )
    begin = question.previous_since if wanted.previous else question.since
    found = fetch_usage_table(project, question, (begin, *inner), split, most, wanted)
    groups = tuple(_group(each, len(inner) - 1, found, most) for each in found.rows if each.current.runs)
    totals, previous, is_capped = _totals(project, question, found, wanted)
    if split is None:
        groups = _kinds(groups)
    if not wanted.previous:
        previous, groups = None, tuple(replace(group, previous=None) for group in groups)
    is_partial = found.counted_since is not None and found.counted_since >= question.since
    is_comparable = previous is not None and bool(previous.runs) and _had_runs(project, question.previous_since)
    since = found.counted_since if is_partial else None
    return UsageReport(question, inner, totals, previous, groups, since, is_capped, is_comparable)


def _had_runs(project: Project, before: datetime) -> bool:
    first = Run.objects.in_project(project).oldest_created_at()
    return first is not None and first < before


def _totals(
    project: Project, question: UsageQuery, found: UsageTable, wanted: UsageSelection
) -> tuple[UsageSums, UsageSums | None, bool]:
    """Of all groups; from rollups where these know the filters, though not the split."""
    if found.counted_since is not None and find_rollup_source(question.filters, None):
        edges = (question.previous_since, question.since, question.until)
        exact = fetch_usage_table(project, question, edges, None, 1, wanted)
        return _now(exact), _before(exact), False
    is_capped = found.counted_since is not None and found.counted_since >= question.since
    return _now(found), _before(found) if found.counted_since is None else None, is_capped


def _now(found: UsageTable) -> UsageSums:
    return add_usage_sums(each.current for each in found.rows)


def _before(found: UsageTable) -> UsageSums:
    return add_usage_sums(each.previous for each in found.rows)


def _group(found: UsageRow, parts: int, whole: UsageTable, most: int) -> UsageGroup:
    course = (found.series or {1: found.current}) if parts == 1 else found.series
    return UsageGroup(
        found.key,
        found.current,
        found.previous if whole.counted_since is None else None,
        tuple(course.get(place, NO_USAGE) for place in range(1, parts + 1)),
        whole.group_count - most if found.is_rest else 0,
    )


def _kinds(groups: Sequence[UsageGroup]) -> tuple[UsageGroup, ...]:
    """The tokens of all runs by their kind, those that occur."""
    if not groups:
        return ()
    (whole,) = groups
    found = [
        UsageGroup(
            kind,
            _of_kind(whole.sums, kind),
            None if whole.previous is None else _of_kind(whole.previous, kind),
            tuple(_of_kind(sums, kind) for sums in whole.series),
        )
        for kind in TOKEN_KINDS
    ]
    return tuple(group for group in found if group.sums.total_tokens)


def _of_kind(sums: UsageSums, kind: str) -> UsageSums:
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
    return UsageSums(runs=sums.runs, total_tokens=tokens[kind])
