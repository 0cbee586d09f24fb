"""The times at which runs start: working hours are busy, nights and weekends quiet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from random import Random

HOUR = 3600
DAY = 24 * HOUR
_HOURS = (2, 1, 1, 1, 2, 4, 9, 20, 42, 60, 64, 58, 44, 52, 62, 60, 52, 38, 26, 20, 16, 12, 8, 4)
_WEEKDAYS = (1.1, 1.15, 1.1, 1.0, 0.85, 0.22, 0.18)


def traffic_weight(moment: int) -> float:
    """Return the relative traffic in the hour of a Unix time, in UTC."""
    weekday = (moment // DAY + 3) % 7  # 1 January 1970 was a Thursday
    return _HOURS[moment // HOUR % 24] * _WEEKDAYS[weekday]


def draw_start_times(rng: Random, count: int, start: int, end: int) -> Iterator[int]:
    """Yield `count` ascending times from `start` to `end` in memory that depends only on the period.

    Each of n sorted uniform random numbers can be drawn from the previous one, so nothing has to be sorted.
    """
    hours = range(start, end, HOUR)
    reach = list(accumulate(traffic_weight(hour) for hour in hours))
    passed = 0.0
    for left in range(count, 0, -1):
        passed = 1 - (1 - passed) * rng.random() ** (1 / left)
        target = passed * reach[-1]
        hour = min(bisect_left(reach, target), len(reach) - 1)
        below = reach[hour - 1] if hour else 0.0
        share = (target - below) / (reach[hour] - below)
        yield min(end, hours[hour] + int(share * HOUR))


def find_throttled_period(start: int, days: int) -> tuple[int, int]:
    """Return the start and end of the weekday morning in the fourth week on which the hosted API was throttled."""
    day = start - start % DAY + (days * 3 // 4) * DAY
    while (day // DAY + 3) % 7 > 4:
        day -= DAY
    return day + 8 * HOUR, day + 12 * HOUR
