"""How a cut of time is put together from sums of whole hours and days (UTC), and single runs for the rest.

Each bound of the cut is moved to the nearest hour, and that to the nearest day where there are sums of days. What lies
between a bound and where it was moved to was then counted in the wrong one of the two parts beside it; a `Shift`
says so, and is read from what is finer. So a day in Kathmandu costs 15 minutes of runs and some sums of hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runs.rollups.time_buckets import DAY, HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shift:
    """What was created in that time belongs to the part `plus` and not to `minus`; None is outside of the cut."""

    since: datetime
    until: datetime
    plus: int | None
    minus: int | None


@dataclass(frozen=True, slots=True)
class Cover:
    """`bounds` at whole units, and what is to be set right: with sums of hours, and with runs."""

    bounds: tuple[datetime, ...]
    of_hours: tuple[Shift, ...]
    of_runs: tuple[Shift, ...]


def cover_edges(edges: Sequence[datetime], *, days: bool) -> Cover:
    """The way to sums between `edges`; from sums of `days`, or of hours alone."""
    hours = [_nearest(edge, HOUR) for edge in edges]
    of_runs = tuple(_shifts(edges, hours))
    if not days:
        return Cover(tuple(hours), (), of_runs)
    whole = [_nearest(hour, DAY) for hour in hours]
    return Cover(tuple(whole), tuple(_shifts(hours, whole)), of_runs)


def _nearest(moment: datetime, unit: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH + unit / 2) // unit * unit


def _shifts(exact: Sequence[datetime], moved: Sequence[datetime]) -> Iterator[Shift]:
    parts = range(len(exact) - 1)
    for place, (edge, near) in enumerate(zip(exact, moved, strict=True)):
        if edge != near:
            plus, minus = (place - 1, place) if near < edge else (place, place - 1)
            yield Shift(
                min(edge, near),
                max(edge, near),
                plus if plus in parts else None,
                minus if minus in parts else None,
            )
