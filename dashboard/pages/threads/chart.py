"""The runs of a thread as bars on a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from dashboard.pages.threads.conversation import MessageEntry, RunEntry
from dashboard.ui.charts.time_axis import AxisTick, build_dated_ticks
from dashboard.ui.timeline_axis import TimelineAxis
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES


@dataclass(frozen=True, slots=True)
class ThreadChartBar:
    """The bar of a run. `x` and `width` are SVG lengths."""

    status: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class ThreadChart:
    """The bars of all runs, and the ticks of the time axis."""

    bars: list[ThreadChartBar]
    ticks: list[AxisTick]


def build_thread_chart(entries: Sequence[MessageEntry | RunEntry], now: datetime, zone: tzinfo) -> ThreadChart | None:
    """Return the chart of the runs among `entries`, or None if there are fewer than two."""
    runs = [entry.run for entry in entries if isinstance(entry, RunEntry)]
    if len(runs) < 2:
        return None
    begins = [entry.cursor.at for entry in entries]
    axis = TimelineAxis(min(begins), max(*begins, *(_run_end(run, now) for run in runs)))
    places = [(run.status, axis.place(run.created_at, _run_end(run, now))) for run in runs]
    return ThreadChart(
        [ThreadChartBar(status, *place) for status, place in places if place],
        build_dated_ticks(axis.begin, axis.end, zone),
    )


def _run_end(run: Run, now: datetime) -> datetime:
    """Return when a run ended. A run in progress lasts until now, or until its expiry."""
    if run.status in TERMINAL_RUN_STATUSES or run.ended_at is not None:
        return run.ended_at or run.created_at
    return min(now, run.expires_at) if run.expires_at else now
