"""The runs of a thread on a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.threads.conversation import Ran, Said
from dashboard.ui.timeline_axis import Axis, Tick
from runs.models import Run
from runs.protocol.run import TERMINAL


@dataclass(frozen=True, slots=True)
class Bar:
    """A run on the axis, as SVG lengths."""

    status: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The runs, and the times below them, counted from the first thing known."""

    bars: list[Bar]
    ticks: list[Tick]


def chart(entries: Sequence[Said | Ran], now: datetime) -> Chart | None:
    """The runs among `entries`; None where a picture would tell nothing."""
    runs = [entry.run for entry in entries if isinstance(entry, Ran)]
    if len(runs) < 2:
        return None
    begins = [entry.place.at for entry in entries]
    axis = Axis(min(begins), max(*begins, *(_end(run, now) for run in runs)))
    placed = [(run.status, axis.place(run.created_at, _end(run, now))) for run in runs]
    return Chart([Bar(status, *place) for status, place in placed if place], axis.ticks)


def _end(run: Run, now: datetime) -> datetime:
    """When it ended; of one that goes on, until when it has gone on or could."""
    if run.status in TERMINAL or run.ended_at is not None:
        return run.ended_at or run.created_at
    return min(now, run.expires_at) if run.expires_at else now
