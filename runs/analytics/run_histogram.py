"""The number of runs over time, by status.

It is exact unless more runs match than are read and no rollup can answer: then it is about the newest matches only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from runs.analytics.recent_sample import RecentSample
from runs.models import Project
from runs.query import RunFilters
from runs.rollups import reader
from runs.rollups.rollup_query import RollupQuery
from runs.rollups.time_buckets import DAY, HOUR, TimeBuckets, build_time_buckets

# Hourly rollups would divide a shorter time into a handful of bars.
MIN_ROLLUP_SPAN = timedelta(hours=12)
# A shorter time would be a handful of bars, or a single one as wide as the page.
MIN_SPAN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RunHistogram:
    """The numbers of matching runs in each of `buckets`, by status.

    `counted_since` is where counting begins, None if at the start.
    """

    buckets: TimeBuckets
    counts: tuple[Counter[str], ...]
    counted_since: datetime | None = None


def fetch_run_histogram(
    project: Project,
    filters: RunFilters,
    rollup_query: RollupQuery | None,
    sample: RecentSample,
    now: datetime,
    zone: tzinfo,
) -> RunHistogram | None:
    """Return the histogram of the runs that match `filters`, in days of `zone`; None if no run matches.

    Reads rollups if there is a `rollup_query`, which is equivalent to `filters`, and uses `sample`, the newest
    matches, otherwise.
    """
    if sample.oldest_at is None or sample.newest_at is None:
        return None
    last = find_last_time(filters, sample.newest_at, now)
    if rollup_query is not None and (histogram := _fetch_from_rollups(project, rollup_query, last, zone)):
        return histogram
    first = filters.since.resolve(now) if filters.since else min(sample.oldest_at, last - MIN_SPAN)
    return _build_from_sample(sample, build_time_buckets(first, last, zone))


def find_last_time(filters: RunFilters, newest_at: datetime, now: datetime) -> datetime:
    """Return the end of the time that a histogram shows: of the filters, else the newest run."""
    last = max(now, newest_at) if filters.since else newest_at
    return min(last, filters.until.resolve(now) - timedelta.resolution) if filters.until else last


def _fetch_from_rollups(project: Project, query: RollupQuery, last: datetime, zone: tzinfo) -> RunHistogram | None:
    """Return a histogram of whole hours of `zone` if possible, else of hours or days of UTC; None if no rollup can."""
    extent = reader.fetch_run_extent(project)
    if extent is None:
        return None
    first = query.since or extent[0]
    if query.until:
        last = min(last, query.until - timedelta.resolution)
    if last - first < MIN_ROLLUP_SPAN:
        return None
    for bucket_zone, min_step in ((zone, HOUR), (UTC, HOUR), (UTC, DAY)):
        buckets = build_time_buckets(first, last, bucket_zone, min_step=min_step)
        rows = reader.count_runs_by_status(project, query, buckets)
        if rows is not None:
            counts: tuple[Counter[str], ...] = tuple(Counter() for _ in range(buckets.count))
            for bucket, status, runs in rows:
                counts[bucket][status] += runs
            return RunHistogram(buckets, counts)
    return None


def _build_from_sample(sample: RecentSample, buckets: TimeBuckets) -> RunHistogram:
    edges = [edge.timestamp() for edge in buckets.edges]
    counts: tuple[Counter[str], ...] = tuple(Counter() for _ in range(buckets.count))
    for status, unsorted in sample.created_seconds.items():
        seconds = sorted(unsorted)
        bounds = [bisect_left(seconds, edge) for edge in edges]
        # Runs outside of all buckets are counted in the nearest one.
        bounds[0], bounds[-1] = 0, len(seconds)
        for count, begin, end in zip(counts, bounds, bounds[1:], strict=False):
            if end > begin:
                count[status] = end - begin
    return RunHistogram(buckets, counts, counted_since=sample.oldest_at if sample.is_capped else None)
