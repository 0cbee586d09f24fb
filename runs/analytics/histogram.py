"""How many runs there were over time, by status.

Exact in every case but one: where more match than are counted and no sums know what is asked for, it is about the
newest matches only, and says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from runs.analytics.recent_sample import RecentSample
from runs.models import Project
from runs.query import RunFilters
from runs.rollups import reader
from runs.rollups.reader import RollupQuery
from runs.rollups.time_buckets import DAY, HOUR, TimeBuckets, build_time_buckets

# Shorter ones would be a handful of bars, were they taken from the sums of each hour.
MIN_ROLLUP_SPAN = timedelta(hours=12)
# Less time than that would be a handful of bars, or a single one as wide as the page.
MIN_SPAN = timedelta(minutes=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RunHistogram:
    """The matches in each part of `buckets`, by status. `counted_since`: where counting begins, if not at the start."""

    buckets: TimeBuckets
    counts: tuple[Counter[str], ...]
    counted_since: datetime | None = None


def fetch_run_histogram(
    project: Project, filters: RunFilters, plain: RollupQuery | None, found: RecentSample, now: datetime, zone: tzinfo
) -> RunHistogram | None:
    """The picture of what `filters` ask for, in the days of `zone`; None where there is nothing to draw.

    `found` are the newest matches; `plain` is given where there are more, and sums may know all of them.
    """
    if found.oldest_at is None or found.newest_at is None:
        return None
    if plain is not None and (drawn := _of_sums(project, filters, plain, found.newest_at, now, zone)):
        return drawn
    last = _last(filters, found.newest_at, now)
    first = filters.since.resolve(now) if filters.since else min(found.oldest_at, last - MIN_SPAN)
    return _of_newest(found, build_time_buckets(first, last, zone))


def _last(filters: RunFilters, newest: datetime, now: datetime) -> datetime:
    last = max(now, newest) if filters.since else newest
    return min(last, filters.until.resolve(now) - _MOMENT) if filters.until else last


def _of_sums(
    project: Project, filters: RunFilters, plain: RollupQuery, newest: datetime, now: datetime, zone: tzinfo
) -> RunHistogram | None:
    """From the sums of hours, which know the hours of any zone but few fields; else from those of UTC's days."""
    extent = reader.fetch_run_extent(project)
    if extent is None:
        return None
    first = plain.since or extent[0]
    last = min(_last(filters, newest, now), plain.until - _MOMENT) if plain.until else _last(filters, newest, now)
    if last - first < MIN_ROLLUP_SPAN:
        return None
    for place, least in ((zone, HOUR), (UTC, HOUR), (UTC, DAY)):
        parts = build_time_buckets(first, last, place, min_step=least)
        if (rows := reader.count_runs_by_status(project, plain, parts)) is not None:
            return RunHistogram(parts, _bars(parts, rows))
    return None


def _bars(parts: TimeBuckets, rows: Iterable[tuple[int, str, int]]) -> tuple[Counter[str], ...]:
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(parts.count))
    for place, status, count in rows:
        if count > 0:
            bars[min(max(place, 0), parts.count - 1)][status] += count
    return bars


def _of_newest(found: RecentSample, parts: TimeBuckets) -> RunHistogram:
    edges = [edge.timestamp() for edge in parts.edges]
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(parts.count))
    for status, unsorted in found.created_seconds.items():
        seconds = sorted(unsorted)
        places = [bisect_left(seconds, edge) for edge in edges]
        places[0], places[-1] = 0, len(seconds)
        for bar, begin, end in zip(bars, places, places[1:], strict=False):
            if end > begin:
                bar[status] = end - begin
    return RunHistogram(parts, bars, counted_since=found.oldest_at if found.is_capped else None)
