"""Cutting a span of time into parts that begin where people expect them to: at full hours, at their midnight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

MAX_BUCKETS = 96
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # nothing is older
_LATEST = datetime.max.replace(tzinfo=UTC)
_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)  # parts are counted from here, so weeks begin on Mondays
_STEPS = (
    *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 364)),
)


@dataclass(frozen=True)
class TimeBuckets:
    """Parts of time, each as long as `step` by the clocks of `zone`: from each of `edges` to the next."""

    edges: tuple[datetime, ...]
    step: timedelta
    zone: tzinfo = UTC

    @property
    def start(self) -> datetime:
        return self.edges[0]

    @property
    def end(self) -> datetime:
        return self.edges[-1]

    @property
    def count(self) -> int:
        return len(self.edges) - 1

    @cached_property
    def has_whole_hours(self) -> bool:
        """Whether the sums of hours are enough to fill every part."""
        return all((each.minute, each.second, each.microsecond) == (0, 0, 0) for each in self.edges)

    @cached_property
    def has_whole_days(self) -> bool:
        """Whether those of days, which are UTC's, are."""
        return self.has_whole_hours and all(each.hour == 0 for each in self.edges)


def build_time_buckets(
    first: datetime, last: datetime, zone: tzinfo = UTC, *, least: timedelta = _STEPS[0]
) -> TimeBuckets:
    """Parts of at least `least` that cover `first` to `last`, at most about `MOST_PARTS` of them.

    Those longer than an hour begin when the clocks of `zone` say so.
    """
    first, last = min(max(first, _EPOCH), _LATEST - 2 * DAY), max(last, _EPOCH)
    length = max(last - first, timedelta(0))
    fitting = (step for step in _STEPS if step >= least and length <= step * MAX_BUCKETS)
    step = next(fitting, _STEPS[-1] * (length // (_STEPS[-1] * MAX_BUCKETS) + 1))
    edges = _edges(first, last, step, zone if step > HOUR else UTC)
    return TimeBuckets(tuple(dict.fromkeys(edges)), step, zone)


def _edges(first: datetime, last: datetime, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
    clock = _by_the_clock(first, zone)
    clock = _MONDAY + (clock - _MONDAY) // step * step
    moment = _moment(clock, zone)
    while moment <= last:
        yield moment
        clock += min(step, _LATEST - clock)
        moment = _moment(clock, zone)
        if clock == _LATEST:
            break
    yield moment


def _by_the_clock(moment: datetime, zone: tzinfo) -> datetime:
    """What clocks in `zone` show, as if it were UTC."""
    return moment.astimezone(zone).replace(tzinfo=UTC)


def _moment(clock: datetime, zone: tzinfo) -> datetime:
    """When clocks in `zone` show that for the first time; where they skip it, when they would have."""
    return clock if clock == _LATEST else clock.replace(tzinfo=zone).astimezone(UTC)
