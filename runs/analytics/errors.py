"""Error groups: the runs that failed, ended incomplete or expired, by their error, over time and with a trend.

All numbers are exact and read from the runs themselves. Few runs end that way, and the index `run_error_sums` holds
all columns that are summed.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from runs.analytics.error_group_states import StateEnd, fetch_state_ends
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.db import sql
from runs.models import ErrorGroup, Project, Run
from runs.models.run import RunQuerySet
from runs.query import RunFilters
from runs.rollups.reader import count_runs
from runs.rollups.rollup_query import RollupQuery
from runs.rollups.time_buckets import EARLIEST, TimeBuckets, build_time_buckets

# Projects with more groups have messages that differ in a way that grouping does not recognize.
MAX_ERROR_GROUPS = 1_000
NEW_ERROR_AGE = timedelta(hours=24)

# First and last seen are about all runs of a group, whether they match or not. Each is a look-up in run_error_group.
_GROUPS = """
    WITH counted AS (
        SELECT error_group_id,
               count(*) FILTER (WHERE created_at >= %s) AS runs,
               count(*) FILTER (WHERE created_at < %s) AS previous_runs,
               sum(total_tokens) FILTER (WHERE created_at >= %s) AS tokens,
               sum(cost) FILTER (WHERE created_at >= %s) AS cost,
               count(*) FILTER (WHERE created_at >= %s AND cost IS NULL AND total_tokens > 0) AS unpriced
          FROM ({matches}) AS matches GROUP BY error_group_id)
    SELECT counted.*,
           (SELECT min(created_at) FROM run WHERE error_group_id = counted.error_group_id),
           (SELECT max(created_at) FROM run WHERE error_group_id = counted.error_group_id),
           count(*) OVER (), sum(runs) OVER (), sum(tokens) OVER (), sum(cost) OVER (), sum(unpriced) OVER ()
      FROM counted WHERE runs > 0
     ORDER BY runs DESC, error_group_id LIMIT %s"""

# By bucket, assistant, model and configuration, of each requested group, and of all other groups as NULL.
_DISTRIBUTIONS = """
    SELECT grouping(bucket, assistant_id, model, configuration_id),
           error_group_id, bucket, assistant_id, model, configuration_id::text, count(*)
      FROM (SELECT CASE WHEN error_group_id = ANY (%s::uuid[]) THEN error_group_id END AS error_group_id,
                   width_bucket(created_at, %s::timestamptz[]) - 1 AS bucket, assistant_id, model, configuration_id
              FROM ({matches}) AS matches) AS runs
     GROUP BY GROUPING SETS ((error_group_id, bucket), (error_group_id, assistant_id), (error_group_id, model),
                             (error_group_id, configuration_id))"""
# The result of `grouping`: a bit is 0 for the column that the row is grouped by.
_BUCKET, _ASSISTANT, _MODEL, _CONFIGURATION = 0b0111, 0b1011, 0b1101, 0b1110


# Of fewer runs, even all in one of two periods may be chance (see `_find_trend`).
MIN_COMPARED_ERROR_RUNS = 5


class ErrorTrend(StrEnum):
    """The change of a number of runs since the previous period, which is equally long."""

    NEW = "new"  # first seen within the range
    BACK = "back"  # seen before, but not in the previous period
    UP = "up"
    DOWN = "down"
    STEADY = "steady"
    FEW = "few"  # so few runs that no change of them would be significant
    UNKNOWN = "unknown"  # there is no previous period, or the project had no runs at its start


@dataclass(frozen=True, slots=True)
class ErrorTimeRange:
    """The time range of a report, divided into buckets, and the start of the previous period, None without one.

    The previous period `is_comparable` if the project had runs when it began. Runs after `until` are counted in the
    last bucket, unless the filters exclude them.
    """

    since: datetime
    until: datetime
    buckets: TimeBuckets
    previous_since: datetime | None = None
    is_comparable: bool = False


@dataclass(frozen=True, slots=True)
class ErrorSums:
    """Sums over runs. `cost` is nano-dollars; `unpriced_runs` used tokens and have no price."""

    runs: int
    tokens: int | None
    cost: int | None
    unpriced_runs: int


@dataclass(frozen=True, slots=True)
class ErrorGroupStats:
    """The numbers of a group in the time range; `first_seen` and `last_seen` are about all of its runs."""

    group: ErrorGroup
    sums: ErrorSums
    previous_runs: int
    trend: ErrorTrend
    first_seen: datetime
    last_seen: datetime
    state_end: StateEnd | None = None

    @property
    def has_regressed(self) -> bool:
        """Return whether the group has regressed since somebody resolved or ignored it."""
        return self.state_end is not None and self.state_end.is_regression

    @property
    def current_state(self) -> ErrorGroup.State:
        """The state of the group; open if the state that was set has ended."""
        return ErrorGroup.State.OPEN if self.state_end else ErrorGroup.State(self.group.state)

    @property
    def is_open(self) -> bool:
        """Return whether the group is open, or was opened again."""
        return self.current_state == ErrorGroup.State.OPEN

    def is_new(self, now: datetime) -> bool:
        """Return whether the group was first seen less than `NEW_ERROR_AGE` ago."""
        return self.first_seen > now - NEW_ERROR_AGE


@dataclass(frozen=True, slots=True)
class ErrorGroupReport:
    """The most frequent groups of a time range, and the sums over all `group_count` groups."""

    time_range: ErrorTimeRange
    groups: tuple[ErrorGroupStats, ...]
    sums: ErrorSums
    group_count: int

    @property
    def is_capped(self) -> bool:
        """Return whether there are more groups than are listed."""
        return self.group_count > len(self.groups)


@dataclass(frozen=True, slots=True)
class ErrorGroupDistribution:
    """The numbers of runs of a group by bucket of time, assistant, model and configuration."""

    over_time: Counter[int] = field(default_factory=Counter)
    assistants: Counter[str] = field(default_factory=Counter)
    models: Counter[str | None] = field(default_factory=Counter)
    configurations: Counter[str] = field(default_factory=Counter)


def resolve_error_time_range(project: Project, filters: RunFilters, now: datetime) -> ErrorTimeRange:
    """Return the time range of `filters`; one query, or two if they have no start."""
    until = filters.until.resolve(now) if filters.until else now
    if filters.since:
        since = filters.since.resolve(now)
    else:
        since = _select_error_runs(project, filters, now).oldest_created_at() or until
    buckets = build_time_buckets(since, max(until, since))
    oldest = Run.objects.in_project(project).oldest_created_at()
    if not filters.since or until <= since or oldest is None or oldest >= since:
        return ErrorTimeRange(since, until, buckets)
    previous_since = since - min(until - since, since - EARLIEST)
    return ErrorTimeRange(since, until, buckets, previous_since, is_comparable=oldest <= previous_since)


def fetch_error_groups(
    project: Project, filters: RunFilters, now: datetime, *, only: uuid.UUID | None = None
) -> ErrorGroupReport:
    """Return the groups of the runs that match `filters`, or the one with the id `only`.

    Takes three queries, or four if the team has decided on groups.
    """
    time_range = resolve_error_time_range(project, filters, now)
    runs = _select_error_runs(project, replace(filters, since=None, until=None), now, only)
    if filters.since:
        runs = runs.filter(created_at__gte=time_range.previous_since or time_range.since)
    if filters.until:
        runs = runs.filter(created_at__lt=time_range.until)
    matches, params = _compile_matches(runs)
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(matches=matches), (*[time_range.since] * 5, *params, MAX_ERROR_GROUPS))
        rows = cursor.fetchall()
    groups = ErrorGroup.objects.in_project(project).for_list().in_bulk([row[0] for row in rows])
    ends = fetch_state_ends(groups.values(), now)
    stats = tuple(
        replace(_build_stats(time_range, groups[row[0]], *row[1:8]), state_end=ends.get(row[0]))
        for row in rows
        if row[0] in groups
    )
    group_count, *sums = rows[0][8:] if rows else (0, 0, None, None, 0)
    return ErrorGroupReport(time_range, stats, _build_sums(*sums), group_count)


def fetch_error_distributions(
    project: Project,
    filters: RunFilters,
    buckets: TimeBuckets,
    now: datetime,
    group_ids: Iterable[uuid.UUID],
    *,
    only: uuid.UUID | None = None,
) -> dict[uuid.UUID | None, ErrorGroupDistribution]:
    """Return the distributions of the matching runs of some groups; one query.

    The key None has the runs of all other groups, unless `only` the runs of one group are read.
    """
    matches, params = _compile_matches(_select_error_runs(project, filters, now, only))
    with connection.cursor() as cursor:
        cursor.execute(_DISTRIBUTIONS.format(matches=matches), (list(group_ids), list(buckets.edges), *params))
        rows = cursor.fetchall()
    distributions: dict[uuid.UUID | None, ErrorGroupDistribution] = defaultdict(ErrorGroupDistribution)
    for grouping, group_id, bucket, assistant_id, model, configuration_id, count in rows:
        distribution = distributions[group_id]
        if grouping == _BUCKET:
            distribution.over_time[buckets.clamp(bucket)] += count
        elif grouping == _ASSISTANT:
            distribution.assistants[assistant_id] = count
        elif grouping == _MODEL:
            distribution.models[model] = count
        elif grouping == _CONFIGURATION:
            distribution.configurations[configuration_id] = count
    return distributions


def select_error_group_runs(project: Project, group_id: uuid.UUID, filters: RunFilters, now: datetime) -> RunQuerySet:
    """Return the runs of one group that match `filters`."""
    return _select_error_runs(project, filters, now, group_id)


def fetch_first_and_last_seen(group_id: uuid.UUID) -> tuple[datetime, datetime] | None:
    """Return when the first and the last run of a group were created; None if it has no runs."""
    times = Run.objects.filter(error_group=group_id).order_by("created_at").values_list("created_at", flat=True)
    first, last = times.first(), times.last()
    return None if first is None or last is None else (first, last)


def count_matching_runs(project: Project, filters: RunFilters, now: datetime) -> tuple[int, bool]:
    """Return how many runs match `filters`, successful ones too, and whether there are more; one query.

    The number is exact if rollups can answer. Otherwise counting ends with `MAX_SAMPLE_SIZE`.
    """
    rollup_query = RollupQuery.from_filters(filters, now)
    count = count_runs(project, rollup_query) if rollup_query else None
    if count is not None:
        return count, False
    matching = Run.objects.in_project(project).filter(filters.build_condition(project, now))
    count = matching.count_at_most(MAX_SAMPLE_SIZE)
    return min(count, MAX_SAMPLE_SIZE), count > MAX_SAMPLE_SIZE


def _select_error_runs(
    project: Project, filters: RunFilters, now: datetime, group_id: uuid.UUID | None = None
) -> RunQuerySet:
    runs = Run.objects.in_project(project).filter(filters.build_condition(project, now), error_group__isnull=False)
    return runs if group_id is None else runs.filter(error_group=group_id)


def _compile_matches(runs: RunQuerySet) -> tuple[str, tuple[Any, ...]]:
    """Return SQL for the columns that the statements above read, and its parameters."""
    columns = ("error_group_id", "created_at", "assistant_id", "model", "configuration_id", "total_tokens", "cost")
    return sql.compile_query(runs.order_by().values(*columns))


def _build_stats(
    time_range: ErrorTimeRange,
    group: ErrorGroup,
    runs: int,
    previous_runs: int,
    tokens: int | None,
    cost: int | None,
    unpriced: int,
    first_seen: datetime,
    last_seen: datetime,
) -> ErrorGroupStats:
    trend = _find_trend(time_range, runs, previous_runs, first_seen)
    return ErrorGroupStats(
        group, _build_sums(runs, tokens, cost, unpriced), previous_runs, trend, first_seen, last_seen
    )


def _build_sums(runs: int | None, tokens: int | None, cost: int | None, unpriced: int | None) -> ErrorSums:
    """Return sums as integers, since Postgres returns sums of bigints as numeric."""
    return ErrorSums(
        runs=int(runs or 0),
        tokens=None if tokens is None else int(tokens),
        cost=None if cost is None else int(cost),
        unpriced_runs=int(unpriced or 0),
    )


def _find_trend(time_range: ErrorTimeRange, runs: int, previous_runs: int, first_seen: datetime) -> ErrorTrend:
    if time_range.previous_since is None:
        return ErrorTrend.UNKNOWN
    if first_seen >= time_range.since:
        return ErrorTrend.NEW
    if not time_range.is_comparable:
        return ErrorTrend.UNKNOWN
    if previous_runs == 0:
        return ErrorTrend.BACK
    if runs + previous_runs < MIN_COMPARED_ERROR_RUNS:
        return ErrorTrend.FEW
    difference = runs - previous_runs
    # The standard deviation of the difference of two counts is the square root of their sum. A difference below two
    # standard deviations may be chance.
    if difference**2 <= 4 * (runs + previous_runs):
        return ErrorTrend.STEADY
    return ErrorTrend.UP if difference > 0 else ErrorTrend.DOWN
