"""The histogram of runs over time, as an SVG.

It is drawn on the server: it appears with the first paint, works without scripts and weighs a few kilobytes.
Selecting a time range is a small script (`static/js/brush.js`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dashboard.ui.charts.bars import BarTooltip, build_stacked_paths
from dashboard.ui.charts.time_axis import AxisTick, build_ticks, format_bar_time, format_interval
from dashboard.ui.filter_controls import status_rank
from dashboard.ui.formats import format_cost, format_duration, format_integer, format_status, format_tokens
from dashboard.ui.run_list_address import RunListAddress
from runs.analytics.measured_histogram import MeasuredHistogram, RunMeasure
from runs.analytics.run_histogram import RunHistogram
from runs.models import Run
from runs.query import RunFilters
from runs.rollups.time_buckets import TimeBuckets

HEIGHT = 64  # of the highest bar, in pixels
# What the chart can show.
CHART_LABELS: dict[RunMeasure | None, str] = {
    None: "Runs",
    RunMeasure.DURATION: "Duration p95",
    RunMeasure.COST: "Cost",
    RunMeasure.TOKENS: "Tokens",
}
# The name and the format of values.
_MEASURES: dict[RunMeasure, tuple[str, Callable[[int], str]]] = {
    RunMeasure.DURATION: ("p95 duration", partial(format_duration, precise=True)),
    RunMeasure.COST: ("cost", format_cost),
    RunMeasure.TOKENS: ("tokens", format_tokens),
}


@dataclass(frozen=True, slots=True)
class ChartOption:
    """A choice of what the chart shows."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class HistogramLayer:
    """All bars of one status, or of a measure, as a single path. A bar is one unit wide; heights are in pixels."""

    status: str
    path: str


class TimeChart:
    """What the charts of runs over time have in common: bars of `buckets`, with `runs` in each."""

    def __init__(self, buckets: TimeBuckets, runs: Sequence[int], counted_since: datetime | None) -> None:
        self._buckets = buckets
        self._runs = runs
        self._counted_since = counted_since

    @property
    def bar_edges(self) -> str:
        """The start of each bar and the end of the last one, in Unix seconds, for `brush.js`."""
        return " ".join(f"{edge.timestamp():.0f}" for edge in self._buckets.edges)

    @property
    def bar_totals(self) -> str:
        """The number of runs in each bar, for `brush.js`."""
        return " ".join(map(str, self._runs))

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
    def uncounted_width(self) -> str:
        """The width, in bars, of the time before the oldest run that was counted; "" if all runs were."""
        since, edges = self._counted_since, self._buckets.edges
        if since is None:
            return ""
        index = min(max(bisect_right(edges, since) - 1, 0), self.bar_count - 1)
        return f"{index + (since - edges[index]) / (edges[index + 1] - edges[index]):.2f}"

    @property
    def sample_size(self) -> int:
        """The number of newest matching runs that were counted; 0 if all were."""
        return 0 if self._counted_since is None else sum(self._runs)

    @property
    def ticks(self) -> list[AxisTick]:
        """The labels of the time axis."""
        return build_ticks(self._buckets.start, self._buckets.end, self._buckets.zone)

    def _format_start(self, index: int) -> str:
        return format_bar_time(self._buckets.edges[index], self._buckets.step, self._buckets.zone)


class HistogramChart(TimeChart):
    """The numbers of runs by status, stacked."""

    def __init__(self, histogram: RunHistogram) -> None:
        self._histogram = histogram
        self._totals = [sum(bar.values()) for bar in histogram.counts]
        super().__init__(histogram.buckets, self._totals, histogram.counted_since)
        self.max_total = max(self._totals)
        self.max_label = format_integer(self.max_total)

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


class MeasuredChart(TimeChart):
    """A measure of the runs of each bar."""

    def __init__(self, histogram: MeasuredHistogram) -> None:
        super().__init__(histogram.buckets, histogram.runs, histogram.counted_since)
        self._values = histogram.values
        self._label, self._format = _MEASURES[histogram.measure]
        self._max_value = max(histogram.values)
        self.max_label = self._format(self._max_value)

    @property
    def layers(self) -> list[HistogramLayer]:
        """The bars, as one layer."""
        (path,) = build_stacked_paths([self._values], self._max_value or 1, HEIGHT)
        return [HistogramLayer("measured", path)]

    @property
    def tooltips(self) -> list[BarTooltip]:
        """A tooltip for each bar that has runs."""
        return [
            BarTooltip(
                index,
                f"{self._format_start(index)}, {self.bar_interval}: {self._label} {self._format(self._values[index])}, "
                f"{runs:,} run{'' if runs == 1 else 's'}",
            )
            for index, runs in enumerate(self._runs)
            if runs
        ]

    @property
    def description(self) -> str:
        """A description of the chart for screen readers."""
        start, end = self._format_start(0), self._format_start(self.bar_count)
        highest = self._format_start(self._values.index(self._max_value))
        interval = self.bar_interval.removeprefix("1 ")
        text = (
            f"{self._label.capitalize()} per {interval} from {start} to {end} {self.timezone}. "
            f"The highest is {self.max_label}, at {highest}."
        )
        return f"{text} Only the newest {self.sample_size:,} runs are counted." if self.sample_size else text


def build_chart(histogram: RunHistogram | MeasuredHistogram) -> HistogramChart | MeasuredChart:
    """Return the chart of a histogram."""
    return MeasuredChart(histogram) if isinstance(histogram, MeasuredHistogram) else HistogramChart(histogram)


def build_chart_options(address: RunListAddress, filters: RunFilters) -> list[ChartOption]:
    """Return the charts to choose from, each as the list with it."""
    return [
        ChartOption(label, replace(address, chart=measure).url(filters), address.chart == measure)
        for measure, label in CHART_LABELS.items()
    ]
