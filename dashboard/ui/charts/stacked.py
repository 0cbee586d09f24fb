"""Stacked bar charts over time, with a legend, a table and a description for screen readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

from dashboard.ui import formats
from dashboard.ui.charts.bars import BarTooltip, build_stacked_paths
from dashboard.ui.charts.time_axis import AxisTick, build_ticks, format_bar_time, format_interval

# Returns the URL of a cell from the index of its series (None for the total) and the start and end of its bar.
CellUrlBuilder = Callable[[int | None, datetime, datetime], str]

HEIGHT = 150  # of the highest bar, in pixels
MAX_COLORS = 5
_TOP = 14  # room for the label of the highest bar
_AXIS_HEIGHT = 18


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """A series: its label, a value for each bar, and the run status whose color it has, if any."""

    label: str
    values: Sequence[int]
    status: str = ""


@dataclass(frozen=True, slots=True)
class ChartLayer:
    """A drawn series. `css_class` is the class of its color, "" for the color of a status."""

    label: str
    css_class: str
    status: str
    path: str
    total: str


@dataclass(frozen=True, slots=True)
class ChartCell:
    """A formatted number of the table; `url` is "" if it has no link."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ChartTableRow:
    """The numbers of one bar: its start, a cell for each series, and the total."""

    time: str
    cells: tuple[ChartCell, ...]
    total: ChartCell


@dataclass(frozen=True)
class StackedChart:
    """A stacked bar chart, drawn by `templates/ui/_chart.html`, `_legend.html` and `_chart_table.html`.

    Attributes:
        title: What the values count, such as "Tokens".
        edges: The start of each bar and the end of the last one, in UTC.
        series: The series, the first one at the bottom.
        zone: The time zone of the axis.
        zoom: The target of dragging over the chart; "" for none. Either a URL that takes `from` and `to`, or the
            selector of a form with fields of these names.
        format_value: Formats a value.
        build_url: Returns the URL of a table cell; None if cells have no links.
        height: The height of the highest bar in pixels.
    """

    title: str
    edges: Sequence[datetime]
    series: Sequence[ChartSeries]
    zone: tzinfo
    zoom: str
    format_value: Callable[[int], str]
    build_url: CellUrlBuilder | None
    height: int

    @cached_property
    def totals(self) -> list[int]:
        """The total of each bar."""
        columns = zip(*(series.values for series in self.series), strict=True)
        return [sum(values) for values in columns] or [0] * self.bar_count

    @property
    def bar_count(self) -> int:
        """The number of bars, including empty ones."""
        return len(self.edges) - 1

    @cached_property
    def max_total(self) -> int:
        """The total of the highest bar."""
        return max(self.totals, default=0)

    @property
    def max_label(self) -> str:
        """The label of the highest bar."""
        return self.format_value(self.max_total)

    @cached_property
    def interval(self) -> timedelta:
        """The length of most bars. Bars during which clocks change are shorter or longer."""
        lengths = [end - start for start, end in pairwise(self.edges)]
        return max(lengths, key=lengths.count)

    @property
    def bar_interval(self) -> str:
        """The length of a bar, such as `1 day` or `3 hours`."""
        return format_interval(self.interval)

    @property
    def heading(self) -> str:
        """The title with the length of a bar: `Tokens per day`, `Tokens per 3 hours`."""
        return f"{self.title} per {self.bar_interval.removeprefix('1 ')}"

    @property
    def caption(self) -> str:
        """The heading with the time zone: `Tokens per day, Europe/Berlin`."""
        return f"{self.heading}, {self._zone_name}"

    @property
    def bar_edges(self) -> str:
        """The edges in Unix seconds, for `brush.js`."""
        return " ".join(f"{edge.timestamp():.0f}" for edge in self.edges)

    # The geometry, in pixels from the top. Half pixels make lines sharp.

    @property
    def top(self) -> int:
        """The top of the highest bar, below its label."""
        return _TOP

    @property
    def top_line_y(self) -> float:
        """The position of the upper grid line."""
        return _TOP + 0.5

    @property
    def middle_line_y(self) -> float:
        """The position of the middle grid line."""
        return _TOP + self.height / 2 + 0.5

    @property
    def bottom_line_y(self) -> float:
        """The position of the lower grid line, on which the bars stand."""
        return _TOP + self.height + 0.5

    @property
    def total_height(self) -> int:
        """The height of the whole chart."""
        return _TOP + self.height + _AXIS_HEIGHT

    @property
    def tick_label_y(self) -> int:
        """The baseline of the labels of the axis."""
        return self.total_height - 4

    @cached_property
    def layers(self) -> list[ChartLayer]:
        """The drawn series, the first one at the bottom."""
        paths = build_stacked_paths([series.values for series in self.series], self.max_total or 1, self.height)
        return [
            ChartLayer(
                series.label,
                "" if series.status else f"c{min(number, MAX_COLORS)}",
                series.status,
                path,
                self.format_value(sum(series.values)),
            )
            for number, (series, path) in enumerate(zip(self.series, paths, strict=True), 1)
        ]

    @property
    def tooltips(self) -> list[BarTooltip]:
        """A tooltip for each bar that is not empty."""
        return [BarTooltip(index, self._format_tooltip(index)) for index, total in enumerate(self.totals) if total]

    def _format_tooltip(self, index: int) -> str:
        parts = [
            f"{self.format_value(series.values[index])} {series.label}"
            for series in reversed(self.series)
            if series.values[index]
        ]
        if len(parts) > 1:
            parts.insert(0, f"{self.format_value(self.totals[index])} in total")
        return f"{self._format_start(index)}, {self._format_length(index)}: {', '.join(parts)}"

    @property
    def ticks(self) -> list[AxisTick]:
        """The labels of the time axis."""
        return build_ticks(self.edges[0], self.edges[-1], self.zone)

    @property
    def rows(self) -> list[ChartTableRow]:
        """The rows of the table, newest first."""
        return [
            ChartTableRow(
                self._format_start(bar),
                tuple(self._build_cell(series.values[bar], number, bar) for number, series in enumerate(self.series)),
                self._build_cell(self.totals[bar], None, bar),
            )
            for bar in reversed(range(self.bar_count))
        ]

    def _build_cell(self, value: int, series: int | None, bar: int) -> ChartCell:
        url = self.build_url(series, self.edges[bar], self.edges[bar + 1]) if self.build_url and value else ""
        return ChartCell(self.format_value(value), url)

    @property
    def description(self) -> str:
        """A description of the chart for screen readers."""
        end = format_bar_time(self.edges[-1], self._precision, self.zone)
        span = f"from {self._format_start(0)} to {end} {self._zone_name}"
        if not self.max_total:
            return f"{self.heading} {span}. All bars are empty."
        highest = f"at most {self.max_label}, at {self._format_start(self.totals.index(self.max_total))}"
        parts = ", ".join(f"{layer.label} {layer.total}" for layer in self.layers)
        return f"{self.heading} {span}. {self.format_value(sum(self.totals))} in total, {highest}. {parts}."

    def _format_start(self, index: int) -> str:
        return format_bar_time(self.edges[index], self._precision, self.zone)

    @cached_property
    def _precision(self) -> timedelta:
        """The precision of formatted times. Days are written as dates, even those during which clocks change."""
        if self.interval >= timedelta(hours=23):
            return timedelta(days=1)
        return max(min(self.interval, timedelta(minutes=1)), timedelta(seconds=1))

    def _format_length(self, index: int) -> str:
        # A day is written as "1 day" even if clocks change during it.
        length = self.edges[index + 1] - self.edges[index]
        return self.bar_interval if self._precision >= timedelta(days=1) else format_interval(length)

    @property
    def _zone_name(self) -> str:
        return "UTC" if self.zone is UTC else str(self.zone)


def build_stacked_chart(
    title: str,
    edges: Sequence[datetime],
    series: Sequence[ChartSeries],
    *,
    zone: tzinfo = UTC,
    zoom: str = "",
    format_value: Callable[[int], str] = formats.format_integer,
    build_url: CellUrlBuilder | None = None,
    height: int = HEIGHT,
) -> StackedChart:
    """Return a stacked bar chart over time.

    Args:
        title: What the values count, such as "Tokens".
        edges: The start of each bar and the end of the last one.
        series: The series, the first one at the bottom. At most `MAX_COLORS` of them, unless they are statuses.
        zone: The time zone of the axis.
        zoom: The target of dragging over the chart (see `StackedChart`).
        format_value: Formats a value.
        build_url: Returns the URL of a table cell.
        height: The height of the highest bar in pixels.

    Raises:
        ValueError: A series does not have one value for each bar.
    """
    if any(len(one_series.values) != len(edges) - 1 for one_series in series):
        raise ValueError("A series needs one value for each bar")
    # Differences between local times would ignore clock changes.
    edges = [edge.astimezone(UTC) for edge in edges]
    return StackedChart(title, edges, series, zone, zoom, format_value, build_url, height)
