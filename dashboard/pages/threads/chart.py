"""The runs of a thread on a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.threads.conversation import MessageEntry, RunEntry
from dashboard.ui.timeline_axis import TimelineAxis, TimelineTick
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES


@dataclass(frozen=True, slots=True)
class ThreadChartBar:
    """A run on the axis, as SVG lengths."""

    status: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class ThreadChart:
    """The runs, and the times below them, counted from the first thing known."""

    bars: list[ThreadChartBar]
    ticks: list[TimelineTick]


def build_thread_chart(entries: Sequence[MessageEntry | RunEntry], now: datetime) -> ThreadChart | None:
    """The runs among `entries`; None where a picture would tell nothing."""
    runs = [entry.run for entry in entries if isinstance(entry, RunEntry)]
    if len(runs) < 2:
        return None
    begins = [entry.place.at for entry in entries]
    axis = TimelineAxis(min(begins), max(*begins, *(_end(run, now) for run in runs)))
    placed = [(run.status, axis.place(run.created_at, _end(run, now))) for run in runs]
    return ThreadChart([ThreadChartBar(status, *place) for status, place in placed if place], axis.ticks)


def _end(run: Run, now: datetime) -> datetime:
    """When it ended; of one that goes on, until when it has gone on or could."""
    if run.status in TERMINAL_RUN_STATUSES or run.ended_at is not None:
        return run.ended_at or run.created_at
    return min(now, run.expires_at) if run.expires_at else now
