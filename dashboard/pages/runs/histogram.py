"""The histogram of runs over time, as an SVG.

It is drawn on the server: it appears with the first paint, works without scripts and weighs a few kilobytes.
Selecting a time range is a small script (`static/js/brush.js`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from dashboard.ui.charts.bars import BarTooltip, build_stacked_paths
from dashboard.ui.charts.time_axis import AxisTick, build_ticks, format_bar_time, format_interval
from dashboard.ui.filter_controls import status_rank
from dashboard.ui.formats import format_status
from runs.analytics.run_histogram import RunHistogram
from runs.models import Run

HEIGHT = 64  # of the highest bar, in pixels


@dataclass(frozen=True, slots=True)
class HistogramLayer:
    """All bars of one status as a single path. A bar is one unit wide; heights are in pixels."""

    status: str
    path: str


class HistogramChart:
    """A drawn histogram."""

    def __init__(self, histogram: RunHistogram) -> None:
        self._histogram = histogram
        self._buckets = histogram.buckets
        self._totals = [sum(bar.values()) for bar in histogram.counts]
        self.max_total = max(self._totals)

    @property
    def bar_edges(self) -> str:
        """The start of each bar and the end of the last one, in Unix seconds, for `brush.js`."""
        return " ".join(f"{edge.timestamp():.0f}" for edge in self._buckets.edges)

    @property
    def bar_totals(self) -> str:
        """The number of runs in each bar, for `brush.js`."""
        return " ".join(map(str, self._totals))

    @property
    def bar_count(self) -> int:
        """The number of bars, including empty ones."""
        return self._buckets.count

    @property
    def bar_interval(self) -> str:
        """The length of a bar, such as `15 minutes`."""
        return format_interval(self._buckets.step)

    @property
    def timezone(self) -> str:
        """The name of the time zone of the axis."""
        return str(self._buckets.zone)

    @property
    def layers(self) -> list[HistogramLayer]:
        """A layer for each status. Statuses that need attention are at the bottom, where they are easy to compare."""
        statuses = sorted({status for bar in self._histogram.counts for status in bar}, key=status_rank)
        counts = [[bar[status] for bar in self._histogram.counts] for status in statuses]
        paths = build_stacked_paths(counts, self.max_total, HEIGHT)
        return [HistogramLayer(status, path) for status, path in zip(statuses, paths, strict=True)]

    @property
    def tooltips(self) -> list[BarTooltip]:
        """A tooltip for each bar that is not empty."""
        tooltips = []
        for index, bar in enumerate(self._histogram.counts):
            if not self._totals[index]:
                continue
            counts = ", ".join(f"{bar[status]:,} {format_status(status)}" for status in sorted(bar, key=status_rank))
            tooltips.append(BarTooltip(index, f"{self._format_start(index)}, {self.bar_interval}: {counts}"))
        return tooltips

    @property
    def uncounted_width(self) -> str:
        """The width, in bars, of the time before the oldest run that was counted; "" if all runs were."""
        since, edges = self._histogram.counted_since, self._buckets.edges
        if since is None:
            return ""
        index = min(max(bisect_right(edges, since) - 1, 0), self.bar_count - 1)
        return f"{index + (since - edges[index]) / (edges[index + 1] - edges[index]):.2f}"

    @property
    def sample_size(self) -> int:
        """The number of newest matching runs that were counted; 0 if all were."""
        return 0 if self._histogram.counted_since is None else sum(self._totals)

    @property
    def ticks(self) -> list[AxisTick]:
        """The labels of the time axis."""
        return build_ticks(self._buckets.start, self._buckets.end, self._buckets.zone)

    @property
    def description(self) -> str:
        """A description of the chart for screen readers."""
        start, end = self._format_start(0), self._format_start(self.bar_count)
        sentences = [
            f"Runs per {self.bar_interval.removeprefix('1 ')} from {start} to {end} {self.timezone}.",
            f"{sum(self._totals):,} in total, at most {self.max_total:,} in one bar.",
        ]
        failed = Counter({index: bar[Run.Status.FAILED] for index, bar in enumerate(self._histogram.counts)})
        worst, most_failed = failed.most_common(1)[0]
        if most_failed:
            sentences.append(f"{failed.total():,} failed, most at {self._format_start(worst)}: {most_failed:,}.")
        else:
            sentences.append("None failed.")
        if self.sample_size:
            sentences.append(f"Only the newest {self.sample_size:,} are counted.")
        return " ".join(sentences)

    def _format_start(self, index: int) -> str:
        return format_bar_time(self._buckets.edges[index], self._buckets.step, self._buckets.zone)
