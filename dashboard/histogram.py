"""The picture of runs over time as an SVG needs it: bars, time axis, and the sentence that says the same.

It is drawn here and not by a plotting library in the browser: then it is there with the first paint and without
scripts, weighs a few kilobytes instead of fifty, and what a plot would add, choosing a span, is a small script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dashboard.filter_bar import status_rank
from dashboard.formats import status_label
from runs.models import Run
from runs.stats.histogram import Histogram
from runs.stats.newest import MOST_COUNTED

HEIGHT = 64  # of the highest bar, in pixels
_FILLED = 0.8  # of the width that a bar has to itself
_MOST_TICKS = 7
_DAY = timedelta(days=1)
_TICK_STEPS = (
    *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 4, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_UNITS = ((timedelta(days=7), "week"), (_DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class Layer:
    """All bars of one status, as one path: a unit is a bar's place in width, and a pixel in height."""

    status: str
    path: str


@dataclass(frozen=True, slots=True)
class Slot:
    """What the pointer meets over a bar, with its numbers."""

    place: int
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of the time axis."""

    x: str
    anchor: str
    text: str


class Picture:
    """A histogram, drawn."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._span = histogram.span
        self.totals = [sum(bar.values()) for bar in histogram.bars]
        self.peak = max(self.totals)

    @property
    def start_ms(self) -> int:
        return round(self._span.start.timestamp() * 1000)

    @property
    def step_ms(self) -> int:
        return round(self._span.step.total_seconds() * 1000)

    @property
    def count(self) -> int:
        return self._span.count

    @property
    def every(self) -> str:
        """How much time a bar stands for: `15 minutes`."""
        return _spelled(self._span.step)

    @property
    def layers(self) -> list[Layer]:
        """What needs a person at the bottom, where it is compared best."""
        found = {status for bar in self._histogram.bars for status in bar}
        below = [0] * self.count
        return [Layer(status, "".join(self._stacked(status, below))) for status in sorted(found, key=status_rank)]

    def _stacked(self, status: str, below: list[int]) -> Iterator[str]:
        """The bars of `status` on top of what is there already, which they add themselves to."""
        for place, bar in enumerate(self._histogram.bars):
            if count := bar[status]:
                below[place] += count
                top, height = HEIGHT * (1 - below[place] / self.peak), HEIGHT * count / self.peak
                yield f"M{place} {top:.1f}h{_FILLED}v{height:.1f}h-{_FILLED}z"

    @property
    def slots(self) -> list[Slot]:
        """The bars that are not empty."""
        return [Slot(place, self._words(place)) for place, total in enumerate(self.totals) if total]

    def _words(self, place: int) -> str:
        bar = self._histogram.bars[place]
        counts = ", ".join(f"{bar[status]:,} {status_label(status)}" for status in sorted(bar, key=status_rank))
        return f"{_time(self._span.at(place), self._span.step)}, {self.every}: {counts}"

    @property
    def uncounted(self) -> str:
        """The width, in bars, of what lies before the oldest run that was counted."""
        since = self._histogram.since
        return "" if since is None else f"{(since - self._span.start) / self._span.step:.2f}"

    @property
    def ticks(self) -> list[Tick]:
        length = self._span.step * self.count
        step = next((each for each in _TICK_STEPS if length <= each * _MOST_TICKS), length / _MOST_TICKS)
        first = _MONDAY - (_MONDAY - self._span.start) // step * step  # the first multiple that is not before the start
        times = [first + step * place for place in range(_MOST_TICKS + 1)]
        return [self._tick(time, step) for time in times if self._span.start <= time < self._span.start + length]

    def _tick(self, time: datetime, step: timedelta) -> Tick:
        share = (time - self._span.start) / (self._span.step * self.count)
        anchor = "start" if share < 0.04 else "end" if share > 0.94 else "middle"
        return Tick(f"{100 * share:.2f}%", anchor, _label(time, step))

    @property
    def sentence(self) -> str:
        """What the picture shows, for those who don't see it."""
        first, last = self._span.at(0), self._span.at(self.count)
        step = self._span.step
        span = f"from {_time(first, step)} to {_time(last, step)} UTC"
        words = [
            f"Runs per {self.every.removeprefix('1 ')} {span}.",
            f"{sum(self.totals):,} in all, {self.peak:,} at most.",
            *self._failures(),
        ]
        if self._histogram.since is not None:
            words.append(f"Only the newest {MOST_COUNTED:,} are counted.")
        return " ".join(words)

    def _failures(self) -> list[str]:
        failed = Counter({place: bar[Run.Status.FAILED] for place, bar in enumerate(self._histogram.bars)})
        place, worst = failed.most_common(1)[0]
        if not worst:
            return ["None failed."]
        return [f"{failed.total():,} failed, most at {_time(self._span.at(place), self._span.step)}: {worst:,}."]


def _label(time: datetime, step: timedelta) -> str:
    """As short as the distance to the next one allows."""
    if step >= timedelta(days=91):
        return f"{time:%b %Y}"
    if step >= _DAY or (time.hour, time.minute, time.second) == (0, 0, 0):
        return f"{time.day} {time:%b}"
    return f"{time:%H:%M}" if step >= timedelta(minutes=1) else f"{time:%H:%M:%S}"


def _time(time: datetime, step: timedelta) -> str:
    if step >= _DAY:
        return f"{time:%Y-%m-%d}"
    return f"{time:%Y-%m-%d %H:%M}" if step >= timedelta(minutes=1) else f"{time:%Y-%m-%d %H:%M:%S}"


def _spelled(step: timedelta) -> str:
    """`1 hour`, `15 minutes`."""
    length, unit = next(((length, unit) for length, unit in _UNITS if step % length == timedelta(0)), (None, ""))
    count = step // length if length else int(step.total_seconds())
    return f"{count} {unit or 'second'}{'' if count == 1 else 's'}"
