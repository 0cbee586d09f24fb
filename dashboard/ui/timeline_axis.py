"""The time axis of a timeline: positions of time spans as SVG lengths, and tick labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from dashboard.ui import formats

_TICK_INTERVALS = (  # seconds
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400),
)
_MAX_TICKS = 5
_MIN_WIDTH = 0.35  # percent, so that an instant is visible
_MAX_INNER_SHARE = 0.88  # leaves room for the label of the last tick


@dataclass(frozen=True, slots=True)
class TimelineTick:
    """A labelled grid line. `x` is an SVG length."""

    x: str
    label: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class TimelineAxis:
    """The time from `begin` to `end`, measured from `origin`, or from `begin`."""

    begin: datetime
    end: datetime
    origin: datetime | None = None

    def place(self, begin: datetime, end: datetime) -> tuple[str, str] | None:
        """Return position and width of a time span as SVG lengths, None if it is outside or the axis has no length."""
        length = self.end - self.begin
        if not length or begin > self.end or max(begin, end) < self.begin:
            return None
        begin, end = max(begin, self.begin), min(max(begin, end), self.end)
        width = max(_MIN_WIDTH, 100 * ((end - begin) / length))
        x = min(100 * ((begin - self.begin) / length), 100 - width)
        return svg_percent(x), svg_percent(width)

    @property
    def ticks(self) -> list[TimelineTick]:
        """At most six ticks at round times. None if the axis is shorter than a millisecond."""
        seconds = (self.end - self.begin).total_seconds()
        if seconds < _TICK_INTERVALS[0]:
            return []
        first = (self.begin - (self.origin or self.begin)).total_seconds()
        interval = next((length for length in _TICK_INTERVALS if seconds / length <= _MAX_TICKS), seconds / 4)
        count = int(seconds / interval) + 1
        offsets = ((math.ceil(first / interval) + index) * interval for index in range(count))
        inner = [offset for offset in offsets if offset - first < seconds * _MAX_INNER_SHARE]
        ticks = [
            TimelineTick(svg_percent(100 * (offset - first) / seconds), _format_offset(offset)) for offset in inner
        ]
        return [*ticks, TimelineTick("100%", _format_end(first + seconds), is_last=True)]


def svg_percent(number: float) -> str:
    """Format an SVG length. Templates would localize a number, which is slow."""
    return f"{number:.2f}%"


def _format_offset(seconds: float) -> str:
    if not seconds:
        return "0 s"
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if not seconds % length:
            return f"{seconds // length:.0f} {unit}"
    return _format_end(seconds)


def _format_end(seconds: float) -> str:
    return formats.format_duration(round(seconds * 1000), precise=seconds % 1 > 0.0005)
