"""The axis of a timeline: where moments lie between a beginning and an end, and what is written below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.ui import formats

_SPACINGS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
_MAX_TICKS = 5
_MIN_WIDTH = 0.35  # percent, so that an instant can be seen
_MAX_INNER_SHARE = 0.88


@dataclass(frozen=True, slots=True)
class TimelineTick:
    """A labelled line; `x` is an SVG length."""

    x: str
    label: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class TimelineAxis:
    """The time from `begin` to `end`."""

    begin: datetime
    end: datetime

    def place(self, begin: datetime, end: datetime) -> tuple[str, str] | None:
        """Where a span lies and how wide it is, as SVG lengths; None on an axis without length."""
        length = self.end - self.begin
        if not length:
            return None
        width = max(_MIN_WIDTH, 100 * max(timedelta(0), end - begin) / length)
        x = min(100 * ((begin - self.begin) / length), 100 - width)
        return svg_percent(x), svg_percent(width)

    @property
    def ticks(self) -> list[TimelineTick]:
        """At most six, at round times; none where the axis is shorter than a second."""
        seconds = (self.end - self.begin).total_seconds()
        if seconds < 1:
            return []
        spacing = next((each for each in _SPACINGS if seconds / each <= _MAX_TICKS), seconds / 4)
        places = (index * spacing for index in range(int(seconds / spacing) + 1))
        inner = [place for place in places if place < seconds * _MAX_INNER_SHARE]
        ticks = [TimelineTick(svg_percent(100 * place / seconds), _label(place)) for place in inner]
        return [*ticks, TimelineTick("100%", formats.format_duration(int(seconds * 1000)), is_last=True)]


def svg_percent(number: float) -> str:
    """An SVG length. Text, since templates would take their time to localise a number."""
    return f"{number:.2f}%"


def _label(seconds: float) -> str:
    if not seconds:
        return "0 s"
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if not seconds % length:
            return f"{seconds // length:.0f} {unit}"
    return formats.format_duration(int(seconds * 1000))
