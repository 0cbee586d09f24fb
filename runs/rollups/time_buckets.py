"""Divide time into buckets, and align the edges of buckets with the hours and days of rollups.

A bucket begins at one edge and ends before the next. There are four ways to choose edges:

- `build_time_buckets`: equal buckets at round times of a time zone, for histograms.
- `build_recent_buckets`: a fixed number of equal buckets that end with the current hour.
- `build_local_edges`: two exact ends, divided at hours or midnights of a time zone, for usage reports.
- `build_equal_edges`: two exact ends, divided into a fixed number of equal parts.

Rollups hold sums of whole UTC hours and days. `align_edges` says how to sum exactly between any other edges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

MAX_BUCKETS = 96
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # no run is older
LATEST = datetime.max.replace(tzinfo=UTC)
# Steps are counted from here, so that weeks begin on Mondays.
_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)

# The length of a bucket, and the longest time that is divided into buckets of this length.
_Steps = Sequence[tuple[timedelta, timedelta]]
_HISTOGRAM_STEPS: _Steps = tuple(
    (step, step * MAX_BUCKETS)
    for step in (
        *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
        *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
        *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
        *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 364)),
    )
)
# Readers think in days, so a usage report changes to days early.
_LOCAL_STEPS: _Steps = (
    (HOUR, 2 * DAY),
    (3 * HOUR, 8 * DAY),
    (6 * HOUR, 14 * DAY),
    *((DAY * count, DAY * count * MAX_BUCKETS) for count in (1, 7, 28, 91, 364)),
)


@dataclass(frozen=True)
class TimeBuckets:
    """Consecutive buckets: bucket `i` is from `edges[i]` up to, but not including, `edges[i + 1]`.

    `step` is the length of a bucket by the clocks of `zone`. A day may last 23 or 25 hours there.
    """

    edges: tuple[datetime, ...]
    step: timedelta
    zone: tzinfo = UTC

    @property
    def start(self) -> datetime:
        """The beginning of the first bucket."""
        return self.edges[0]

    @property
    def end(self) -> datetime:
        """The end of the last bucket."""
        return self.edges[-1]

    @property
    def count(self) -> int:
        """The number of buckets."""
        return len(self.edges) - 1

    @cached_property
    def has_whole_hours(self) -> bool:
        """Return whether all edges are full hours, so that hourly rollups suffice."""
        return all((edge.minute, edge.second, edge.microsecond) == (0, 0, 0) for edge in self.edges)

    @cached_property
    def has_whole_days(self) -> bool:
        """Return whether all edges are midnights in UTC, so that daily rollups suffice."""
        return self.has_whole_hours and all(edge.hour == 0 for edge in self.edges)

    def clamp(self, index: int) -> int:
        """Return the number of the bucket nearest to `index`."""
        return min(max(index, 0), self.count - 1)


def build_time_buckets(
    first: datetime, last: datetime, zone: tzinfo = UTC, *, min_step: timedelta = timedelta(seconds=1)
) -> TimeBuckets:
    """Return buckets of at least `min_step` that cover `first` to `last`, at most about `MAX_BUCKETS`.

    Buckets longer than an hour begin at round times of `zone`, all others at round times of UTC.
    """
    first, last = min(max(first, EARLIEST), LATEST - 2 * DAY), max(last, EARLIEST)
    steps = [(step, longest) for step, longest in _HISTOGRAM_STEPS if step >= min_step]
    step = _choose_step(max(last - first, timedelta(0)), steps)
    edges: list[datetime] = []
    for edge in _iter_round_times(first, step, zone if step > HOUR else UTC):
        edges.append(edge)
        if edge > last:
            break
    return TimeBuckets(tuple(edges), step, zone)


def build_recent_buckets(now: datetime, length: timedelta, count: int) -> TimeBuckets:
    """Divide the last `length`, a number of whole hours that includes the current one, into `count` equal buckets."""
    start, step = floor_to_hour(now) + HOUR - length, length / count
    return TimeBuckets(tuple(start + step * index for index in range(count + 1)), step)


def build_local_edges(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return edges from `since` to `until`, divided at full hours or midnights of `zone`.

    Days last from midnight to midnight in `zone`, which is 23, 24 or 25 hours.
    """
    step = _choose_step(until - since, _LOCAL_STEPS)
    # Single hours are counted by elapsed time: none is skipped or repeated when clocks change.
    clock = timezone(since.astimezone(zone).utcoffset() or timedelta(0)) if step == HOUR else zone
    inner = []
    for edge in _iter_round_times(since, step, clock):
        if edge >= until:
            break
        if edge > since:
            inner.append(edge)
    return (since, *inner, until)


def build_equal_edges(since: datetime, until: datetime, count: int) -> tuple[datetime, ...]:
    """Divide the time from `since` to `until` into `count` equal parts.

    Inner edges within whole hours are moved to the next full hour, so that each of these hours is in one part.
    Parts that become empty are kept.
    """
    step = (until - since) / count
    first_hour, last_hour = _ceil_to_hour(since), floor_to_hour(until)
    inner = (since + step * index for index in range(1, count))
    aligned = (_ceil_to_hour(edge) if first_hour < edge < last_hour else edge for edge in inner)
    return (since, *aligned, until)


def start_of_day(moment: datetime, zone: ZoneInfo, *, days_back: int = 0) -> datetime:
    """Return the midnight in `zone` that begins the day of `moment`, or the day `days_back` days earlier."""
    midnight = _to_wall_clock(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return _from_wall_clock(midnight - DAY * days_back, zone)


def start_of_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the full hour of `zone` at or before `moment`; it may be half an hour off from those of UTC."""
    wall = _to_wall_clock(moment, zone)
    return moment - (wall - wall.replace(minute=0, second=0, microsecond=0))


def floor_to_hour(moment: datetime) -> datetime:
    """Return the full UTC hour at or before `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _ceil_to_hour(moment: datetime) -> datetime:
    floor = floor_to_hour(moment)
    return floor if floor == moment else floor + HOUR


def _choose_step(length: timedelta, steps: _Steps) -> timedelta:
    """Return the shortest step that divides `length` into few enough buckets."""
    step, longest = steps[-1]
    return next((step for step, longest in steps if length <= longest), step * (length // longest + 1))


def _iter_round_times(first: datetime, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
    """Yield the multiples of `step` by the clocks of `zone`, in order, from the last one not after `first`."""
    wall = _to_wall_clock(first, zone)
    wall = _MONDAY + (wall - _MONDAY) // step * step
    latest: datetime | None = None
    while True:
        moment = _from_wall_clock(wall, zone)
        # Times that clocks skip are the same moment as later ones.
        if latest is None or moment > latest:
            latest = moment
            yield moment
        if wall == LATEST:
            return
        wall += min(step, LATEST - wall)


def _to_wall_clock(moment: datetime, zone: tzinfo) -> datetime:
    """Return the time that clocks in `zone` show at `moment`, as if it were UTC."""
    return moment.astimezone(zone).replace(tzinfo=UTC)


def _from_wall_clock(wall: datetime, zone: tzinfo) -> datetime:
    """Return the first moment at which clocks in `zone` show `wall`, or would if they did not skip it."""
    return wall if wall == LATEST else wall.replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Correction:
    """A stretch of time that aligned edges put into the bucket `subtract_from` and that belongs to `add_to`.

    None stands for outside of all buckets. Both ends are those of an hour or day, or exact.
    """

    since: datetime
    until: datetime
    add_to: int | None
    subtract_from: int | None


@dataclass(frozen=True, slots=True)
class AlignedEdges:
    """Edges that lie on whole days or hours, and the corrections that make the sums between them exact.

    `hour_corrections` are read from hourly rollups, `run_corrections` from single runs.
    """

    edges: tuple[datetime, ...]
    hour_corrections: tuple[Correction, ...]
    run_corrections: tuple[Correction, ...]


def align_edges(edges: Sequence[datetime], *, use_days: bool) -> AlignedEdges:
    """Move each edge to the nearest hour and, with `use_days`, from there to the nearest day (UTC).

    Every stretch of time that changes its bucket becomes a correction, read from the next finer source. So a
    day in Kathmandu costs one daily sum, a few hourly sums, and the runs of twice 15 minutes. `LATEST` stays as it is.
    """
    hours = [_round_to(edge, HOUR) for edge in edges]
    run_corrections = tuple(_iter_corrections(edges, hours))
    if not use_days:
        return AlignedEdges(tuple(hours), (), run_corrections)
    days = [_round_to(hour, DAY) for hour in hours]
    return AlignedEdges(tuple(days), tuple(_iter_corrections(hours, days)), run_corrections)


def _round_to(moment: datetime, unit: timedelta) -> datetime:
    if moment > LATEST - unit:
        return LATEST
    return EARLIEST + (moment - EARLIEST + unit / 2) // unit * unit


def _iter_corrections(exact: Sequence[datetime], aligned: Sequence[datetime]) -> Iterator[Correction]:
    """Yield the stretches of time that the two sets of edges put into different buckets."""
    for since, until in pairwise(sorted({*exact, *aligned})):
        add_to, subtract_from = _find_bucket(exact, since), _find_bucket(aligned, since)
        if add_to != subtract_from:
            yield Correction(since, until, add_to, subtract_from)


def _find_bucket(edges: Sequence[datetime], moment: datetime) -> int | None:
    """Return the bucket of `moment`; among empty buckets the last one, as Postgres's `width_bucket` does."""
    index = bisect_right(edges, moment) - 1
    return index if 0 <= index < len(edges) - 1 else None
