"""Cutting a span of time into equal parts that begin where people expect them to: at full hours, at midnight UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_PARTS = 96
HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # nothing is older
_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)  # parts are counted from here, so weeks begin on Mondays
_STEPS = (
    *(timedelta(seconds=count) for count in (1, 5, 10, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 364)),
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` on, `count` parts, each as long as `step`."""

    start: datetime
    step: timedelta
    count: int

    def at(self, place: int) -> datetime:
        """Where the part of that place begins; the end of the last one is the beginning of one more."""
        latest = datetime.max.replace(tzinfo=UTC)
        return self.start + min(self.step * place, latest - self.start)


def span(first: datetime, last: datetime, *, least: timedelta = _STEPS[0]) -> Span:
    """Parts of at least `least` that cover `first` to `last`, at most about `MOST_PARTS` of them."""
    first = max(first, _EPOCH)
    length = max(last - first, timedelta(0))
    fitting = (step for step in _STEPS if step >= least and length <= step * MOST_PARTS)
    step = next(fitting, _STEPS[-1] * (length // (_STEPS[-1] * MOST_PARTS) + 1))
    start = _MONDAY + (first - _MONDAY) // step * step
    return Span(start, step, (last - start) // step + 1)
