"""Time as the reader's clocks tell it: where days of a zone begin, and how a stretch is cut into bars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MAX_BARS = 96
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# How long bars are, and up to what length of time: the sooner days, in which people think, the better.
_STEPS = (
    (HOUR, 2 * DAY),
    (3 * HOUR, 8 * DAY),
    (6 * HOUR, 14 * DAY),
    *((DAY * count, DAY * count * MAX_BARS) for count in (1, 7, 28, 91, 364)),
)
_MONDAY = datetime(2001, 1, 1)  # noqa: DTZ001 - of every zone; weeks begin on Mondays


def build_local_edges(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Where bars begin that cover that time, and its end: at full hours or days of `zone`, but for both ends.

    A day is from midnight to midnight there, be it 23, 24 or 25 hours.
    """
    return (since, *_between(since, until, choose_bucket_length(until - since), zone), until)


def choose_bucket_length(length: timedelta) -> timedelta:
    """The length of a bar, of which about `MOST_BARS` at the most make up `length`."""
    step, longest = _STEPS[-1]
    return next((step for step, longest in _STEPS if length <= longest), step * (length // longest + 1))


def _between(since: datetime, until: datetime, step: timedelta, zone: ZoneInfo) -> Iterator[datetime]:
    """The bounds behind `since` and before `until`."""
    local = _clock(since, zone)
    clock = _MONDAY + (local - _MONDAY) // step * step
    if step == HOUR:  # of which none may be left out or doubled where clocks change
        first = since - (local - clock)
        yield from (first + HOUR * place for place in range(1, (until - first - timedelta.resolution) // HOUR + 1))
        return
    moment = since
    while moment < until:
        if moment > since:
            yield moment
        clock += step
        moment = clock.replace(tzinfo=zone).astimezone(UTC)


def start_of_day(moment: datetime, zone: ZoneInfo, back: int = 0) -> datetime:
    """When the day of `moment` began in `zone`, or the one so many days before."""
    midnight = _clock(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0) - DAY * back
    return midnight.replace(tzinfo=zone).astimezone(UTC)


def start_of_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the hour of `moment` began by the clocks of `zone`, which may be half an hour off."""
    local = _clock(moment, zone)
    return moment - (local - local.replace(minute=0, second=0, microsecond=0))


def _clock(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
