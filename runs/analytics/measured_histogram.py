"""A measure of the runs over time: their durations, cost or tokens, of the newest matches.

Percentiles can't be summed, so no rollup has those of a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from django.db import connection

from runs.analytics.recent_sample import MAX_SAMPLE_SIZE, RecentSample, select_recent_runs
from runs.analytics.run_histogram import MIN_SPAN, find_last_time
from runs.models import Project
from runs.query import RunFilters
from runs.query.planner import QueryPlan
from runs.rollups.time_buckets import TimeBuckets, build_time_buckets


class RunMeasure(StrEnum):
    """What is measured of the runs of a bar."""

    DURATION = "duration"  # the 95th percentile, in milliseconds
    COST = "cost"  # the sum, in nano-dollars
    TOKENS = "tokens"  # the sum


_AGGREGATES = {
    RunMeasure.DURATION: ("duration_ms", "percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)"),
    RunMeasure.COST: ("cost", "sum(cost)"),
    RunMeasure.TOKENS: ("total_tokens", "sum(total_tokens)"),
}


@dataclass(frozen=True, slots=True)
class MeasuredHistogram:
    """A measure of the runs in each of `buckets`, 0 where no run has a value, and their numbers.

    `counted_since` is where the newest matches begin, None if they are all.
    """

    measure: RunMeasure
    buckets: TimeBuckets
    values: tuple[int, ...]
    runs: tuple[int, ...]
    counted_since: datetime | None = None


def fetch_measured_histogram(
    project: Project,
    filters: RunFilters,
    plan: QueryPlan,
    measure: RunMeasure,
    sample: RecentSample,
    zone: tzinfo,
) -> MeasuredHistogram | None:
    """Return the histogram of the newest matches of `plan`, the runs of `sample`; None if no run matches. One query."""
    if sample.oldest_at is None or sample.newest_at is None:
        return None
    now = plan.scope.now
    last = find_last_time(filters, sample.newest_at, now)
    is_whole = filters.since is not None and not sample.is_capped
    first = filters.since.resolve(now) if is_whole and filters.since else min(sample.oldest_at, last - MIN_SPAN)
    buckets = build_time_buckets(first, last, zone)
    values, runs = [0] * buckets.count, [0] * buckets.count
    for bar, count, value in _fetch_bars(project, plan, measure, buckets):
        values[bar], runs[bar] = int(value or 0), count
    since = sample.oldest_at if sample.is_capped else None
    return MeasuredHistogram(measure, buckets, tuple(values), tuple(runs), since)


def _fetch_bars(
    project: Project, plan: QueryPlan, measure: RunMeasure, buckets: TimeBuckets
) -> list[tuple[int, int, int | None]]:
    """Return the number of each bar that has runs, the number of its runs, and their measure.

    Runs outside of all bars are in the nearest one.
    """
    column, aggregate = _AGGREGATES[measure]
    condition, _ = plan.build_count_condition()
    newest, params = select_recent_runs(project, condition, MAX_SAMPLE_SIZE, ("created_at", column))
    statement = f"""
        WITH newest AS MATERIALIZED ({newest})
        SELECT greatest(0, least(%s, width_bucket(created_at, %s::timestamptz[]) - 1)) AS bar, count(*), {aggregate}
          FROM (SELECT * FROM newest LIMIT {MAX_SAMPLE_SIZE}) AS sample GROUP BY bar"""  # noqa: S608 - constant names
    with connection.cursor() as cursor:
        cursor.execute(statement, (*params, buckets.count - 1, list(buckets.edges)))
        rows: list[tuple[int, int, int | None]] = cursor.fetchall()
    return rows
