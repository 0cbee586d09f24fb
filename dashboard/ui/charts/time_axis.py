"""Time axes: round local times as labels, and how times and intervals are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from dashboard.ui import formats

MAX_TICKS = 7
_MAX_DATED_TICKS = 4  # their first label is long
DAY = timedelta(days=1)
_TICK_INTERVALS = (
    *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 4, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 3, 7, 14, 28, 91, 182, 364)),
)
# Ticks are multiples of their interval since this time, so that weeks begin on Mondays.
_EPOCH = datetime(2001, 1, 1)  # noqa: DTZ001 - a Monday in local time of any zone
_UNITS = ((timedelta(days=7), "week"), (DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A label of the axis: its position as a percentage, its SVG `text-anchor`, and its text."""

    x: str
    anchor: str
    text: str


def build_ticks(start: datetime, end: datetime, zone: tzinfo = UTC, max_ticks: int = MAX_TICKS) -> list[AxisTick]:
    """Return at most `max_ticks` labels at round times of `zone`, from `start` to `end` (exclusive)."""
    span = end - start
    interval = next((interval for interval in _TICK_INTERVALS if span <= interval * max_ticks), span / max_ticks)
    ticks = []
    for time, local_time in _iterate_round_times(start, end, interval, zone):
        position = (time - start) / span
        anchor = "start" if position < 0.04 else "end" if position > 0.94 else "middle"
        ticks.append(AxisTick(f"{100 * position:.2f}%", anchor, _format_tick(local_time, interval)))
    return ticks


def build_dated_ticks(start: datetime, end: datetime, zone: tzinfo = UTC) -> list[AxisTick]:
    """Return the labels of an axis that nothing else dates: the first one names its day, the others new days.

    An axis without length has one label, at its start.
    """
    ticks = build_ticks(start, end, zone, _MAX_DATED_TICKS) if start < end else []
    if any(_starts_with_day(tick) for tick in ticks):
        return ticks
    first = _to_local(start, zone)
    day = f"{first.day} {first:%b}"
    if not ticks:
        return [AxisTick("0.00%", "start", f"{day}, {first:%H:%M:%S}")]
    has_room = float(ticks[0].x.removesuffix("%")) > 12  # to the left, on a phone
    anchor = ticks[0].anchor if has_room else "start"
    return [AxisTick(ticks[0].x, anchor, f"{day}, {ticks[0].text}"), *ticks[1:]]


def _starts_with_day(tick: AxisTick) -> bool:
    return ":" not in tick.text


def _iterate_round_times(
    start: datetime, end: datetime, interval: timedelta, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    """Yield multiples of `interval` in local time of `zone`, each in UTC and in local time.

    A time that clocks skip is left out. A day is kept even if clocks skip its first hour.
    """
    first = _to_local(start, zone)
    local_time = _EPOCH - (_EPOCH - first) // interval * interval  # the first multiple that is not before the start
    last = _to_local(end, zone)
    while local_time < last:
        time = local_time.replace(tzinfo=zone).astimezone(UTC)
        is_skipped = _to_local(time, zone) != local_time and interval < DAY
        if start <= time < end and not is_skipped:
            yield time, local_time
        local_time += min(interval, last - local_time)


def _to_local(time: datetime, zone: tzinfo) -> datetime:
    return time.astimezone(zone).replace(tzinfo=None)


def _format_tick(time: datetime, interval: timedelta) -> str:
    """Return the shortest label that distinguishes ticks at this interval."""
    if interval >= timedelta(days=91):
        return f"{time:%b %Y}"
    if interval >= DAY or (time.hour, time.minute, time.second) == (0, 0, 0):
        return f"{time.day} {time:%b}"
    return f"{time:%H:%M}" if interval >= timedelta(minutes=1) else f"{time:%H:%M:%S}"


def format_bar_time(time: datetime, interval: timedelta, zone: tzinfo = UTC) -> str:
    """Format the start of a bar of that length: `20 Nov 2026`, `20 Nov 2026, 14:30` or `20 Nov 2026, 14:30:05`."""
    local_time = time.astimezone(zone)
    day = formats.format_date(local_time)
    if interval >= DAY:
        return day
    return f"{day}, {local_time:%H:%M}" if interval >= timedelta(minutes=1) else f"{day}, {local_time:%H:%M:%S}"


def format_interval(interval: timedelta) -> str:
    """Format an interval in its largest whole unit: `1 hour`, `15 minutes`."""
    length, unit = next(
        ((length, unit) for length, unit in _UNITS if interval % length == timedelta(0)), (None, "second")
    )
    count = interval // length if length else int(interval.total_seconds())
    return f"{count} {unit}{'' if count == 1 else 's'}"
