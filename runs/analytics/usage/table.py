"""The sums of a usage report, by bucket of time and by group.

They are read from rollups if these can answer the query, and from the newest matching runs otherwise. Both take one
statement, so that all numbers describe the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from runs.analytics import recent_sample
from runs.analytics.usage.query import SPLIT_FIELDS, UsageQuery, UsageSplit
from runs.models import Project, Run
from runs.query import RunFilters
from runs.rollups.reader import MEASURES_OF_RUN, ROLLUP_SOURCES, RollupSource, SqlPart, select_run_sums

# Runs are read one by one where rollups cannot answer; more would delay the page.
MAX_COUNTED_USAGE_RUNS = 20_000


class UsageSums(NamedTuple):
    """Sums over runs, in tokens.

    `cached_tokens` are part of the prompt tokens, `reasoning_tokens` part of the completion tokens. `cost` is
    nano-dollars; `unpriced_tokens` are the total tokens of runs without a price.
    """

    runs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: int = 0
    unpriced_tokens: int = 0


NO_USAGE = UsageSums()
# The column of each measure of a usage query.
MEASURE_COLUMNS = {"tokens": "total_tokens", "cost": "cost", "runs": "runs"}


def add_usage_sums(parts: Iterable[UsageSums]) -> UsageSums:
    """Return the sum of `parts`."""
    return UsageSums(*map(sum, zip(NO_USAGE, *parts, strict=True)))


@dataclass(frozen=True, slots=True)
class UsageSelection:
    """The sums that are read: of the current period, of the previous one, and of each bucket of the current one.

    Other sums are 0 or arbitrary, and take no time. Without any sum of the previous period it is not read at all.
    """

    current: tuple[str, ...] = UsageSums._fields
    previous: tuple[str, ...] = UsageSums._fields
    series: tuple[str, ...] = UsageSums._fields


SELECT_ALL_SUMS = UsageSelection()


@dataclass
class UsageRow:
    """The sums of one group, or of all groups after the first ones if `is_rest`; `series` by number of the bucket."""

    key: str | None
    is_rest: bool
    current: UsageSums = NO_USAGE
    previous: UsageSums = NO_USAGE
    series: dict[int, UsageSums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Rows in order of the measure, the rest last, and the number of all groups with runs in the current period.

    `counted_since` is the creation of the oldest run that was read, None if all runs were.
    """

    rows: list[UsageRow]
    group_count: int
    counted_since: datetime | None = None


# The newest runs, by bucket and group.
_RECENT_SUMS = """
    SELECT width_bucket(created_at, %s::timestamptz[]) - 1, {key}, {sums}
      FROM ({matches}) AS matches WHERE place <= %s GROUP BY 1, 2"""
# The first groups by their measure in the current period (bucket 0 is the previous period), and all other groups as
# one with rank NULL: of the current period, of the previous one, and of each bucket.
_RANKED = """
    WITH cells AS (
        SELECT bucket, bucket > 0 AS is_current, key, {sums}
          FROM ({parts}) AS parts (bucket, key, {columns})
         GROUP BY 1, 2, 3 HAVING sum(runs) <> 0),
    groups AS (
        SELECT key,
               sum({measure}) FILTER (WHERE is_current) AS weight,
               sum(runs) FILTER (WHERE is_current) AS current_runs
          FROM cells GROUP BY key),
    first AS (
        SELECT array(SELECT key FROM groups
                      ORDER BY weight DESC NULLS LAST, current_runs DESC NULLS LAST, key LIMIT %s) AS keys,
               (SELECT count(*) FROM groups WHERE current_runs > 0) AS group_count),
    ranked AS (SELECT cells.*, array_position(first.keys, key) AS rank, first.group_count FROM cells, first)
    SELECT {bucket}, is_current, rank, CASE WHEN rank IS NOT NULL THEN min(key) END, max(group_count), {shown_sums}
      FROM ranked GROUP BY GROUPING SETS ((is_current, rank){bucket_sets})
    HAVING is_current IS NOT NULL OR {bucket} > 0
     ORDER BY rank NULLS LAST"""


def find_rollup_source(filters: RunFilters, split: UsageSplit | None) -> RollupSource | None:
    """Return the rollups that sum the runs of `filters` by `split`, or in total if it is None; else None."""
    active = filters.active_names
    name = split.name if split else next(iter(active), "status")
    return ROLLUP_SOURCES[name] if name in SPLIT_FIELDS and active in ([], [name]) else None


def fetch_usage_table(
    project: Project,
    query: UsageQuery,
    edges: Sequence[datetime],
    split: UsageSplit | None,
    max_groups: int,
    selection: UsageSelection = SELECT_ALL_SUMS,
) -> UsageTable:
    """Return the sums between `edges` of the first `max_groups` groups of `split`, and of all others as one row.

    Bucket 0 is the previous period, all others are the current one, which determines the order of groups.
    """
    has_series = len(edges) > 3
    source = find_rollup_source(query.filters, split)
    if source is not None:
        part = _select_rollup_sums(project, query.filters, source, edges, selection, is_grouped=split is not None)
        return UsageTable(*_rank_groups(query, part, max_groups, selection, has_series=has_series))
    filters = query.filters_within(edges[0], edges[-1])
    part = _select_recent_sums(project, filters, edges, split)
    rows, group_count = _rank_groups(query, part, max_groups, selection, has_series=has_series)
    is_full = sum(row.current.runs + row.previous.runs for row in rows) >= MAX_COUNTED_USAGE_RUNS
    return UsageTable(rows, group_count, _find_oldest_counted(project, filters) if is_full else None)


def _select_rollup_sums(
    project: Project,
    filters: RunFilters,
    source: RollupSource,
    edges: Sequence[datetime],
    selection: UsageSelection,
    *,
    is_grouped: bool,
) -> SqlPart:
    current = {*selection.current, *selection.series}
    measures = {name: 0 if name in selection.previous else 1 if name in current else None for name in UsageSums._fields}
    values = {name: getattr(filters, name) for name in filters.active_names}
    return select_run_sums(project, source, values, edges, measures, is_grouped=is_grouped)


def _select_recent_sums(
    project: Project, filters: RunFilters, edges: Sequence[datetime], split: UsageSplit | None
) -> SqlPart:
    """Return SQL for the sums over the newest `MAX_COUNTED_USAGE_RUNS` matching runs."""
    metadata_key = split.key if split else None
    column = "metadata" if metadata_key is not None else ROLLUP_SOURCES[split.name].column if split else "status"
    read = [name for name in UsageSums._fields if name not in ("runs", "unpriced_tokens")]
    matches, params = recent_sample.build_recent_runs_sql(project, filters, MAX_COUNTED_USAGE_RUNS, column, *read)
    key = "metadata ->> %s" if metadata_key is not None else column if split else "NULL::text"
    sql = _RECENT_SUMS.format(key=key, sums=_sum_columns(MEASURES_OF_RUN), matches=matches)
    key_params = [] if metadata_key is None else [metadata_key]
    return SqlPart(sql, [list(edges), *key_params, *params, MAX_COUNTED_USAGE_RUNS])


def _rank_groups(
    query: UsageQuery, part: SqlPart, max_groups: int, selection: UsageSelection, *, has_series: bool
) -> tuple[list[UsageRow], int]:
    """Return the rows of the first groups and of the rest, and the number of groups."""
    shown_sums = (
        f"sum({name})" if name in selection.series else f"CASE WHEN is_current IS NOT NULL THEN sum({name}) END"
        for name in UsageSums._fields
    )
    statement = _RANKED.format(
        sums=_sum_columns({}),
        columns=", ".join(UsageSums._fields),
        parts=part.sql,
        measure=MEASURE_COLUMNS[query.measure],
        shown_sums=", ".join(shown_sums),
        bucket="bucket" if has_series else "NULL::int",
        bucket_sets=", (bucket, rank)" if has_series else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*part.params, max_groups])
        records = cursor.fetchall()
    rows: dict[int | None, UsageRow] = {}
    for bucket, is_current, rank, key, _, *values in records:
        row = rows.setdefault(rank, UsageRow(key, rank is None))
        sums = UsageSums._make([0 if value is None else int(value) for value in values])
        if is_current is None:
            row.series[bucket] = sums
        elif is_current:
            row.current = sums
        else:
            row.previous = sums._replace(**dict.fromkeys(set(UsageSums._fields) - set(selection.previous), 0))
    return list(rows.values()), max((record[4] for record in records), default=0)


def _sum_columns(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"sum({expressions.get(name, name)}) AS {name}" for name in UsageSums._fields)


def _find_oldest_counted(project: Project, filters: RunFilters) -> datetime | None:
    """Return when the oldest run that was read was created; None if no other run matches."""
    times = filters.apply(Run.objects.in_project(project)).newest_first().values_list("created_at", flat=True)
    last = list(times[MAX_COUNTED_USAGE_RUNS - 1 : MAX_COUNTED_USAGE_RUNS + 1])
    return last[0] if len(last) > 1 else None
