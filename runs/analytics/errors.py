"""Runs that ended badly, by error group: how many, since when, and whether that is more than before.

Everything is about the runs of a time range that match, exactly, and read from the runs themselves: few end badly,
and `run_ended_badly` holds all that is summed of those.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.models import ErrorGroup, Project, Run
from runs.models.run import RunQuerySet
from runs.query import RunFilters
from runs.rollups import time_buckets
from runs.rollups.time_buckets import HOUR, TimeBuckets

# Groups that are told apart. More mean that messages differ in a way the grouping does not know of.
MAX_ERROR_GROUPS = 1_000
NEW_ERROR_AGE = timedelta(hours=24)

_COLUMNS = ("error_group_id", "created_at", "assistant_id", "model", "configuration_id", "total_tokens", "cost")

# First and last sight are of all runs of the group, whatever is asked for; each is a look into run_error_group.
_GROUPS = """
    WITH counted AS (
        SELECT error_group_id,
               count(*) FILTER (WHERE created_at >= %s) AS runs,
               count(*) FILTER (WHERE created_at < %s) AS runs_before,
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

# Of the groups that are asked for, and of all others together, as NULL.
_PARTS = """
    SELECT grouping(part, assistant_id, model, configuration_id),
           error_group_id, part, assistant_id, model, configuration_id::text, count(*)
      FROM (SELECT CASE WHEN error_group_id = ANY (%s::uuid[]) THEN error_group_id END AS error_group_id,
                   floor(extract(epoch FROM created_at - %s) / %s)::int AS part, assistant_id, model, configuration_id
              FROM ({matches}) AS matches) AS runs
     GROUP BY GROUPING SETS ((error_group_id, part), (error_group_id, assistant_id), (error_group_id, model),
                             (error_group_id, configuration_id))"""
_PART, _ASSISTANT, _MODEL, _CONFIGURATION = 0b0111, 0b1011, 0b1101, 0b1110

# Whole hours from their sums; what lies in the hours at both ends is counted.
_SUMMED = """
    SELECT (SELECT coalesce(sum(runs), 0) FROM {rollup} WHERE project_id = %s AND hour >= %s AND hour < %s{asked})
         + (SELECT count(*) FROM run WHERE project_id = %s AND created_at >= %s AND created_at < %s{asked})
         + (SELECT count(*) FROM run WHERE project_id = %s AND created_at >= %s AND created_at < %s{asked})"""
# Which sums know what is asked for in one of these fields.
_KNOWN = {
    "": ("rollup_hour_status", ""),
    "status": ("rollup_hour_status", " AND status = ANY (%s)"),
    "model": ("rollup_hour_model", " AND model = ANY (%s)"),
    "assistant": ("rollup_hour_assistant", " AND assistant_id = ANY (%s)"),
}
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # nothing is older
LATEST = datetime.max.replace(tzinfo=UTC)


class ErrorTrend(StrEnum):
    """How a count compares with that of as much time before."""

    NEW = "new"  # first seen within the range
    BACK = "back"  # seen before, but not in the time before
    UP = "up"
    DOWN = "down"
    STEADY = "steady"
    UNKNOWN = "unknown"  # there is no time before, or no runs from all of it


@dataclass(frozen=True, slots=True)
class ErrorTimeRange:
    """The time that is looked at, in parts, and how far back the time before it reaches: as far, None for not at all.

    Counts are compared with those of before only where there were runs all of that time. What was created after `until`
    counts to the last part, unless the filters leave it out.
    """

    since: datetime
    until: datetime
    buckets: TimeBuckets
    previous_since: datetime | None = None
    is_comparable: bool = False

    def place(self, part: int) -> int:
        """The part that a run of that number is drawn in."""
        return min(max(part, 0), self.buckets.count - 1)


@dataclass(frozen=True, slots=True)
class ErrorSums:
    """What some runs come to. Cost is in nano-dollars; `unpriced_runs` runs used tokens that have no price."""

    runs: int
    tokens: int | None
    cost: int | None
    unpriced_runs: int


@dataclass(frozen=True, slots=True)
class ErrorGroupStats:
    """A group within the range; `previous_runs` is its count in the time before. First and last seen: ever."""

    group: ErrorGroup
    sums: ErrorSums
    previous_runs: int
    trend: ErrorTrend
    first_seen: datetime
    last_seen: datetime

    @property
    def has_regressed(self) -> bool:
        """Whether a run of it was created after somebody took it for resolved."""
        changed = self.group.state_changed_at
        return self.group.state == ErrorGroup.State.RESOLVED and changed is not None and self.last_seen > changed

    @property
    def is_open(self) -> bool:
        return self.has_regressed or self.group.state == ErrorGroup.State.OPEN

    def is_new(self, now: datetime) -> bool:
        """Whether nobody had seen it a day ago."""
        return self.first_seen > now - NEW_ERROR_AGE


@dataclass(frozen=True, slots=True)
class ErrorGroupReport:
    """All groups of the range, the most frequent first; `group_count` where not all of them are told apart."""

    time_range: ErrorTimeRange
    groups: tuple[ErrorGroupStats, ...]
    sums: ErrorSums
    group_count: int

    @property
    def is_capped(self) -> bool:
        return self.group_count > len(self.groups)


@dataclass(frozen=True, slots=True)
class ErrorGroupDistribution:
    """How the runs of a group divide: by part of the window, and by what they ran on."""

    over_time: Counter[int] = field(default_factory=Counter)
    assistants: Counter[str] = field(default_factory=Counter)
    models: Counter[str | None] = field(default_factory=Counter)
    configurations: Counter[str] = field(default_factory=Counter)


def resolve_error_time_range(project: Project, filters: RunFilters, now: datetime) -> ErrorTimeRange:
    """The time that `filters` ask about; one query, or two where they don't say since when."""
    end = filters.until.resolve(now) if filters.until else now
    first = filters.since.resolve(now) if filters.since else _oldest(_bad(project, filters, now)) or end
    parts = time_buckets.build_time_buckets(first, max(end, first))
    oldest = _oldest(Run.objects.in_project(project))
    if not filters.since or end <= first or oldest is None or oldest >= first:
        return ErrorTimeRange(first, end, parts)
    compared = first - min(end - first, first - _BEGINNING)
    return ErrorTimeRange(first, end, parts, compared, is_comparable=oldest <= compared)


def fetch_error_groups(
    project: Project, filters: RunFilters, now: datetime, *, only: uuid.UUID | None = None
) -> ErrorGroupReport:
    """The groups of the matching runs, or `only` one; three queries, however many groups."""
    found = resolve_error_time_range(project, filters, now)
    runs = _bad(project, replace(filters, since=None, until=None), now, only)
    if filters.since:
        runs = runs.filter(created_at__gte=found.previous_since or found.since)
    if filters.until:
        runs = runs.filter(created_at__lt=found.until)
    matches, parameters = _statement(runs)
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(matches=matches), (*[found.since] * 5, *parameters, MAX_ERROR_GROUPS))
        rows = cursor.fetchall()
    known = ErrorGroup.objects.in_project(project).for_list().in_bulk([row[0] for row in rows])
    counted = tuple(_counted(found, known[row[0]], *row[1:8]) for row in rows if row[0] in known)
    count, *sums = rows[0][8:] if rows else (0, 0, None, None, 0)
    return ErrorGroupReport(found, counted, _sums(*sums), count)


def fetch_error_distributions(
    project: Project, filters: RunFilters, window: ErrorTimeRange, now: datetime, ids: Iterable[uuid.UUID],
    *, only: uuid.UUID | None = None,
) -> dict[uuid.UUID | None, ErrorGroupDistribution]:  # fmt: skip
    """How the runs of the groups `ids` divide, and at None those of all others, unless `only` one; one query."""
    matches, parameters = _statement(_bad(project, filters, now, only))
    step = window.buckets.step.total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(_PARTS.format(matches=matches), (list(ids), window.buckets.start, step, *parameters))
        rows = cursor.fetchall()
    found: dict[uuid.UUID | None, ErrorGroupDistribution] = defaultdict(ErrorGroupDistribution)
    for mask, group, part, assistant, model, configuration, count in rows:
        divided = found[group]
        if mask == _PART:
            divided.over_time[window.place(part)] += count
        elif mask == _ASSISTANT:
            divided.assistants[assistant] = count
        elif mask == _MODEL:
            divided.models[model] = count
        elif mask == _CONFIGURATION:
            divided.configurations[configuration] = count
    return found


def select_error_group_runs(project: Project, group: uuid.UUID, filters: RunFilters, now: datetime) -> RunQuerySet:
    """The runs of one group that match."""
    return _bad(project, filters, now, group)


def fetch_first_and_last_seen(group: uuid.UUID) -> tuple[datetime, datetime] | None:
    """When the first and the last run of a group were created, whatever is asked for; None where none is left."""
    runs = Run.objects.filter(error_group=group).order_by("created_at").values_list("created_at", flat=True)
    first, last = runs.first(), runs.last()
    return None if first is None or last is None else (first, last)


def count_matching_runs(
    project: Project, filters: RunFilters, window: ErrorTimeRange, now: datetime
) -> tuple[int, bool]:
    """How many runs match at all, and whether there are more than that; one query.

    Exact where the sums of each hour know what is asked for. Elsewhere counting ends somewhere.
    """
    asked = sorted(set(filters.active) - {"since", "until"}) or [""]
    if len(asked) == 1 and asked[0] in _KNOWN:
        return _summed(project, filters, window, asked[0]), False
    runs = Run.objects.in_project(project).filter(filters.build_condition(project, now))
    count = runs.count_at_most(MAX_SAMPLE_SIZE)
    return min(count, MAX_SAMPLE_SIZE), count > MAX_SAMPLE_SIZE


def _summed(project: Project, filters: RunFilters, window: ErrorTimeRange, name: str) -> int:
    first = window.since if filters.since else _BEGINNING
    end = window.until if filters.until else LATEST
    begin = min(_BEGINNING - (_BEGINNING - first) // HOUR * HOUR, end)
    whole = max(_BEGINNING + (end - _BEGINNING) // HOUR * HOUR, begin)
    rollup, condition = _KNOWN[name]
    values: list[list[str]] = [list(getattr(filters, name))] if name else []
    spans = ((begin, whole), (first, begin), (whole, end))
    with connection.cursor() as cursor:
        parameters: list[Any] = [each for span in spans for each in (project.pk, *span, *values)]
        cursor.execute(_SUMMED.format(rollup=rollup, asked=condition), parameters)
        return int(cursor.fetchone()[0])


def _bad(project: Project, filters: RunFilters, now: datetime, only: uuid.UUID | None = None) -> RunQuerySet:
    asked = filters.build_condition(project, now)
    runs = Run.objects.in_project(project).filter(asked, error_group__isnull=False)
    return runs if only is None else runs.filter(error_group=only)


def _oldest(runs: RunQuerySet) -> datetime | None:
    return runs.order_by("created_at").values_list("created_at", flat=True).first()


def _statement(runs: RunQuerySet) -> tuple[str, tuple[Any, ...]]:
    statement, parameters = runs.order_by().values(*_COLUMNS).query.sql_with_params()
    return statement, parameters


def _counted(
    window: ErrorTimeRange, group: ErrorGroup, runs: int, before: int, tokens: int | None, cost: int | None,
    unpriced: int,
    first_seen: datetime, last_seen: datetime,
) -> ErrorGroupStats:  # fmt: skip
    trend = _trend(window, runs, before, first_seen)
    return ErrorGroupStats(group, _sums(runs, tokens, cost, unpriced), before, trend, first_seen, last_seen)


def _sums(runs: int | None, tokens: int | None, cost: int | None, unpriced: int | None) -> ErrorSums:
    """Sums of bigints are numeric."""
    return ErrorSums(
        int(runs or 0), None if tokens is None else int(tokens), None if cost is None else int(cost), int(unpriced or 0)
    )


def _trend(window: ErrorTimeRange, runs: int, before: int, first_seen: datetime) -> ErrorTrend:
    if window.previous_since is None:
        return ErrorTrend.UNKNOWN
    if first_seen >= window.since:
        return ErrorTrend.NEW
    if not window.is_comparable:
        return ErrorTrend.UNKNOWN
    if before == 0:
        return ErrorTrend.BACK
    difference = runs - before
    # Two counts of equal times differ by chance by the root of their sum; less than twice that says nothing.
    if difference**2 <= 4 * (runs + before):
        return ErrorTrend.STEADY
    return ErrorTrend.UP if difference > 0 else ErrorTrend.DOWN
