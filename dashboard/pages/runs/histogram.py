"""The picture of runs over time as an SVG needs it: bars, time axis, and the sentence that says the same.

It is drawn here and not by a plotting library in the browser: then it is there with the first paint and without
scripts, weighs a few kilobytes instead of fifty, and what a plot would add, choosing a span, is a small script.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from dashboard.ui.charts.bars import BarTooltip, build_stacked_paths
from dashboard.ui.charts.time_axis import AxisTick, build_ticks, format_bar_time, format_interval
from dashboard.ui.filter_controls import status_rank
from dashboard.ui.formats import format_status
from runs.analytics.histogram import RunHistogram
from runs.models import Run

HEIGHT = 64  # of the highest bar, in pixels


@dataclass(frozen=True, slots=True)
class HistogramLayer:
    """All bars of one status, as one path: a unit is a bar's place in width, and a pixel in height."""

    status: str
    path: str


class HistogramChart:
    """A histogram, drawn."""

    def __init__(self, histogram: RunHistogram) -> None:
        self._histogram = histogram
        self._span = histogram.buckets
        self.totals = [sum(bar.values()) for bar in histogram.counts]
        self.peak = max(self.totals)

    @property
    def edges(self) -> str:
        """Where bars begin, and the last one ends, as seconds: a script counts in them."""
        return " ".join(f"{edge.timestamp():.0f}" for edge in self._span.edges)

    @property
    def count(self) -> int:
        return self._span.count

    @property
    def every(self) -> str:
        """How much time a bar stands for: `15 minutes`."""
        return format_interval(self._span.step)

    @property
    def zone(self) -> str:
        """Whose clocks say when bars begin."""
        return str(self._span.zone)

    @property
    def layers(self) -> list[HistogramLayer]:
        """What needs a person at the bottom, where it is compared best."""
        found = sorted({status for bar in self._histogram.counts for status in bar}, key=status_rank)
        counts = [[bar[status] for bar in self._histogram.counts] for status in found]
        return [
            HistogramLayer(*each) for each in zip(found, build_stacked_paths(counts, self.peak, HEIGHT), strict=True)
        ]

    @property
    def slots(self) -> list[BarTooltip]:
        """The bars that are not empty."""
        return [BarTooltip(place, self._words(place)) for place, total in enumerate(self.totals) if total]

    def _words(self, place: int) -> str:
        bar = self._histogram.counts[place]
        counts = ", ".join(f"{bar[status]:,} {format_status(status)}" for status in sorted(bar, key=status_rank))
        return f"{self._said(place)}, {self.every}: {counts}"

    def _said(self, place: int) -> str:
        """When that bar begins."""
        return format_bar_time(self._span.edges[place], self._span.step, self._span.zone)

    @property
    def uncounted(self) -> str:
        """The width, in bars, of what lies before the oldest run that was counted."""
        since, edges = self._histogram.counted_since, self._span.edges
        if since is None:
            return ""
        place = min(max(bisect_right(edges, since) - 1, 0), self.count - 1)
        return f"{place + (since - edges[place]) / (edges[place + 1] - edges[place]):.2f}"

    @property
    def counted(self) -> int:
        """How many of the newest matches it is about, 0 where it is about all."""
        return 0 if self._histogram.counted_since is None else sum(self.totals)

    @property
    def ticks(self) -> list[AxisTick]:
        return build_ticks(self._span.start, self._span.end, self._span.zone)

    @property
    def sentence(self) -> str:
        """What the picture shows, for those who don't see it."""
        words = [
            f"Runs per {self.every.removeprefix('1 ')} from {self._said(0)} to {self._said(self.count)} {self.zone}.",
            f"{sum(self.totals):,} in all, {self.peak:,} at most.",
            *self._failures(),
        ]
        if self.counted:
            words.append(f"Only the newest {self.counted:,} are counted.")
        return " ".join(words)

    def _failures(self) -> list[str]:
        failed = Counter({place: bar[Run.Status.FAILED] for place, bar in enumerate(self._histogram.counts)})
        place, worst = failed.most_common(1)[0]
        if not worst:
            return ["None failed."]
        return [f"{failed.total():,} failed, most at {self._said(place)}: {worst:,}."]
