"""A usage report: totals, groups and their series over time, each compared with the previous period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from runs.analytics.usage.query import TOKEN_KIND_SPLIT, UsageQuery
from runs.analytics.usage.table import (
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

# Every token is of one kind: `prompt` are those that are not `cached`, and `completion` those that are not `reasoning`.
TOKEN_KINDS = ("prompt", "cached", "completion", "reasoning", "other")


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """The runs that have the value `key` (None: no value), or those of all other groups, `other_count` of them.

    `series` has the sums of each bucket. `previous` are those of the previous period, None if they are not known.
    """

    key: str | None
    sums: UsageSums
    previous: UsageSums | None
    series: tuple[UsageSums, ...] = ()
    other_count: int = 0


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The answer to a usage query. Buckets of time lie between `edges`.

    `totals` and `previous` are sums over all matching runs, exact unless `is_capped`: then they are sums over the
    newest runs. `counted_since` is where the groups begin if that is not the start of the period; then they have no
    previous period. The previous period `is_comparable` if the project had runs before it began; otherwise any growth
    would only show when the project started.
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
        """The groups without the one of all others."""
        return tuple(group for group in self.groups if not group.other_count)


def fetch_usage_report(
    project: Project,
    query: UsageQuery,
    max_groups: int,
    selection: UsageSelection = SELECT_ALL_SUMS,
    *,
    has_series: bool = True,
) -> UsageReport:
    """Return the first `max_groups` groups by their measure, and all others as one more group.

    Without `has_series` the period is one bucket. Sends one statement if rollups can answer the query and three at
    most otherwise, and one to find out whether the previous period is comparable.
    """
    split = None if query.split.name == TOKEN_KIND_SPLIT else query.split
    edges = build_local_edges(query.since, query.until, query.zone) if has_series else (query.since, query.until)
    # Without sums of the previous period, its bucket is empty.
    start = query.previous_since if selection.previous else query.since
    table = fetch_usage_table(project, query, (start, *edges), split, max_groups, selection)
    groups = tuple(_build_group(row, len(edges) - 1, table, max_groups) for row in table.rows if row.current.runs)
    totals, previous, is_capped = _fetch_totals(project, query, table, selection)
    if split is None and groups:
        groups = _split_by_token_kind(groups[0])
    if not selection.previous:
        previous, groups = None, tuple(replace(group, previous=None) for group in groups)
    is_partial = table.counted_since is not None and table.counted_since >= query.since
    is_comparable = previous is not None and bool(previous.runs) and _has_runs_before(project, query.previous_since)
    counted_since = table.counted_since if is_partial else None
    return UsageReport(query, edges, totals, previous, groups, counted_since, is_capped, is_comparable)


def _has_runs_before(project: Project, moment: datetime) -> bool:
    oldest = Run.objects.in_project(project).oldest_created_at()
    return oldest is not None and oldest < moment


def _fetch_totals(
    project: Project, query: UsageQuery, table: UsageTable, selection: UsageSelection
) -> tuple[UsageSums, UsageSums | None, bool]:
    """Return the totals, those of the previous period, and whether they are sums over the newest runs only."""
    is_complete = table.counted_since is None
    # Rollups may know the filters although they do not know the split.
    if not is_complete and find_rollup_source(query.filters, None):
        edges = (query.previous_since, query.since, query.until)
        table, is_complete = fetch_usage_table(project, query, edges, None, 1, selection), True
    totals = add_usage_sums(row.current for row in table.rows)
    previous = add_usage_sums(row.previous for row in table.rows) if is_complete else None
    return totals, previous, table.counted_since is not None and table.counted_since >= query.since


def _build_group(row: UsageRow, bucket_count: int, table: UsageTable, max_groups: int) -> UsageGroup:
    series = (row.series or {1: row.current}) if bucket_count == 1 else row.series
    return UsageGroup(
        row.key,
        row.current,
        row.previous if table.counted_since is None else None,
        tuple(series.get(bucket, NO_USAGE) for bucket in range(1, bucket_count + 1)),
        table.group_count - max_groups if row.is_rest else 0,
    )


def _split_by_token_kind(whole: UsageGroup) -> tuple[UsageGroup, ...]:
    """Return the tokens of all runs by kind, without kinds that do not occur."""
    groups = [
        UsageGroup(
            kind,
            _sums_of_kind(whole.sums, kind),
            None if whole.previous is None else _sums_of_kind(whole.previous, kind),
            tuple(_sums_of_kind(sums, kind) for sums in whole.series),
        )
        for kind in TOKEN_KINDS
    ]
    return tuple(group for group in groups if group.sums.total_tokens)


def _sums_of_kind(sums: UsageSums, kind: str) -> UsageSums:
    """Return the runs of `sums`, with the tokens of one kind as their total."""
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
