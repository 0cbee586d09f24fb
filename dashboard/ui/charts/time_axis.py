"""Time along the width of a picture: round times of a zone below it, and how a stretch of time is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

MAX_TICKS = 7
DAY = timedelta(days=1)
_TICK_STEPS = (
    *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 4, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_MONDAY = datetime(2001, 1, 1)  # noqa: DTZ001 - of every zone
_UNITS = ((timedelta(days=7), "week"), (DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A label of the time axis."""

    x: str
    anchor: str
    text: str


def build_ticks(start: datetime, end: datetime, zone: tzinfo = UTC) -> list[AxisTick]:
    """A few labels for the time from `start` to `end` (exclusive), at round times of `zone`."""
    length = end - start
    step = next((each for each in _TICK_STEPS if length <= each * MAX_TICKS), length / MAX_TICKS)
    return [_tick((moment - start) / length, clock, step) for moment, clock in _round_times(start, end, step, zone)]


def _round_times(start: datetime, end: datetime, step: timedelta, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """Multiples of `step` by the clocks of `zone`, each as a time and by the clock. A time that clocks skip is none;
    a day of which they skip the beginning is one.
    """
    first = _clock(start, zone)
    clock = _MONDAY - (_MONDAY - first) // step * step  # the first multiple that is not before the start
    latest = _clock(end, zone)
    while clock < latest:
        moment = clock.replace(tzinfo=zone).astimezone(UTC)
        is_skipped = _clock(moment, zone) != clock and step < DAY
        if start <= moment < end and not is_skipped:
            yield moment, clock
        clock += min(step, latest - clock)


def _clock(moment: datetime, zone: tzinfo) -> datetime:
    """What clocks in `zone` show."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _tick(share: float, clock: datetime, step: timedelta) -> AxisTick:
    anchor = "start" if share < 0.04 else "end" if share > 0.94 else "middle"
    return AxisTick(f"{100 * share:.2f}%", anchor, _label(clock, step))


def _label(time: datetime, step: timedelta) -> str:
    """As short as the distance to the next one allows."""
    if step >= timedelta(days=91):
        return f"{time:%b %Y}"
    if step >= DAY or (time.hour, time.minute, time.second) == (0, 0, 0):
        return f"{time.day} {time:%b}"
    return f"{time:%H:%M}" if step >= timedelta(minutes=1) else f"{time:%H:%M:%S}"


def format_bar_time(time: datetime, step: timedelta, zone: tzinfo = UTC) -> str:
    """A time as exactly as parts of that length need it: `2026-11-20`, `2026-11-20 14:30`."""
    local = time.astimezone(zone)
    if step >= DAY:
        return f"{local:%Y-%m-%d}"
    return f"{local:%Y-%m-%d %H:%M}" if step >= timedelta(minutes=1) else f"{local:%Y-%m-%d %H:%M:%S}"


def format_interval(step: timedelta) -> str:
    """`1 hour`, `15 minutes`."""
    length, unit = next(((length, unit) for length, unit in _UNITS if step % length == timedelta(0)), (None, ""))
    count = step // length if length else int(step.total_seconds())
    return f"{count} {unit or 'second'}{'' if count == 1 else 's'}"
