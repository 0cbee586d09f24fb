"""Bars over time, each divided into series: what an SVG, its legend, its table and its sentence need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

from dashboard.ui import formats
from dashboard.ui.charts.bars import BarTooltip, build_stacked_paths
from dashboard.ui.charts.time_axis import AxisTick, build_ticks, format_bar_time, format_interval

# Where the number of a series in a time leads to; None for all series.
Link = Callable[[int | None, datetime, datetime], str]

HEIGHT = 150
MAX_COLORS = 5


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One part of every bar: its name, and a value for each bar. One that is a status has that status's colour."""

    label: str
    values: Sequence[int]
    status: str = ""


@dataclass(frozen=True, slots=True)
class ChartLayer:
    """A series, drawn. `css` is the class of its colour, "" for a status."""

    label: str
    css: str
    status: str
    path: str
    total: str


@dataclass(frozen=True, slots=True)
class ChartCell:
    """A number in words, and where it leads; "" where it does not."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ChartTableRow:
    """The numbers of one bar: when it begins, each series, and all of them."""

    time: str
    cells: tuple[ChartCell, ...]
    total: ChartCell


@dataclass(frozen=True)
class StackedChart:
    """Drawn by templates/ui/_chart.html; `_legend.html` and `_chart_table.html` beside it.

    `zoom` is where a span that is dragged over leads: an address, to which `from` and `to` are given, or the selector
    of a form with fields of these names. Nothing happens without one.
    """

    what: str
    edges: Sequence[datetime]
    series: Sequence[ChartSeries]
    zone: tzinfo
    zoom: str
    number: Callable[[int], str]
    link: Link | None
    height: int

    @cached_property
    def totals(self) -> list[int]:
        """All series of each bar."""
        return [sum(values) for values in zip(*(each.values for each in self.series), strict=True)] or [0] * self.count

    @property
    def count(self) -> int:
        return len(self.edges) - 1

    @cached_property
    def peak(self) -> int:
        return max(self.totals, default=0)

    @property
    def peak_label(self) -> str:
        return self.number(self.peak)

    @cached_property
    def step(self) -> timedelta:
        """What a bar stands for: most of them, where clocks change within one."""
        lengths = [until - since for since, until in pairwise(self.edges)]
        return max(lengths, key=lengths.count)

    @property
    def every(self) -> str:
        """`1 day`, `3 hours`."""
        return format_interval(self.step)

    @property
    def per(self) -> str:
        """`Tokens per day`, `Tokens per 3 hours`."""
        return f"{self.what} per {self.every.removeprefix('1 ')}"

    @property
    def caption(self) -> str:
        """`Tokens per day, Europe/Berlin`."""
        return f"{self.per}, {self._zone_name}"

    @property
    def zoom_edges(self) -> str:
        """Where bars begin, and the last one ends, as seconds: a script counts in them."""
        return " ".join(f"{edge.timestamp():.0f}" for edge in self.edges)

    @property
    def top(self) -> int:
        """How far down the highest bar begins: the label of the highest is above it."""
        return 14

    @property
    def middle(self) -> float:
        return self.top + self.height / 2 + 0.5

    @property
    def bottom(self) -> float:
        return self.top + self.height + 0.5

    @property
    def whole_height(self) -> int:
        return self.top + self.height + 18

    @property
    def label_y(self) -> int:
        return self.whole_height - 4

    @cached_property
    def layers(self) -> list[ChartLayer]:
        """The first series at the bottom, where it is compared best."""
        paths = build_stacked_paths([each.values for each in self.series], self.peak or 1, self.height)
        return [
            ChartLayer(
                each.label,
                "" if each.status else f"c{min(place, MAX_COLORS)}",
                each.status,
                path,
                self.number(sum(each.values)),
            )
            for place, (each, path) in enumerate(zip(self.series, paths, strict=True), 1)
        ]

    @property
    def tooltips(self) -> list[BarTooltip]:
        """The bars that are not empty."""
        return [BarTooltip(place, self._words(place)) for place, total in enumerate(self.totals) if total]

    def _words(self, place: int) -> str:
        parts = [
            f"{self.number(each.values[place])} {each.label}" for each in reversed(self.series) if each.values[place]
        ]
        total = [] if len(parts) == 1 else [f"{self.number(self.totals[place])} in all"]
        return f"{self._time(place)}, {self._length(place)}: {', '.join((*total, *parts))}"

    @property
    def ticks(self) -> list[AxisTick]:
        return build_ticks(self.edges[0], self.edges[-1], self.zone)

    @property
    def rows(self) -> list[ChartTableRow]:
        """A table of the same, the newest first."""
        return [self._row(place) for place in reversed(range(self.count))]

    def _row(self, place: int) -> ChartTableRow:
        cells = tuple(self._number(each.values[place], nth, place) for nth, each in enumerate(self.series))
        return ChartTableRow(self._time(place), cells, self._number(self.totals[place], None, place))

    def _number(self, value: int, series: int | None, place: int) -> ChartCell:
        url = self.link(series, self.edges[place], self.edges[place + 1]) if self.link and value else ""
        return ChartCell(self.number(value), url)

    @property
    def sentence(self) -> str:
        """What the picture shows, for those who don't see it."""
        span = (
            f"from {self._time(0)} to {format_bar_time(self.edges[-1], self._precision, self.zone)} {self._zone_name}"
        )
        if not self.peak:
            return f"{self.per} {span}. There are none."
        highest = f"{self.peak_label} at most, at {self._time(self.totals.index(self.peak))}"
        parts = ", ".join(f"{layer.label} {layer.total}" for layer in self.layers)
        return f"{self.per} {span}. {self.number(sum(self.totals))} in all, {highest}. {parts}."

    def _time(self, place: int) -> str:
        return format_bar_time(self.edges[place], self._precision, self.zone)

    @cached_property
    def _precision(self) -> timedelta:
        """Days are said as such, and those of which clocks skip an hour."""
        if self.step >= timedelta(hours=23):
            return timedelta(days=1)
        return max(min(self.step, timedelta(minutes=1)), timedelta(seconds=1))

    def _length(self, place: int) -> str:
        """A day of 23 hours is a day."""
        length = self.edges[place + 1] - self.edges[place]
        return self.every if self._precision >= timedelta(days=1) else format_interval(length)

    @property
    def _zone_name(self) -> str:
        return "UTC" if self.zone is UTC else str(self.zone)


def build_stacked_chart(
    what: str,
    edges: Sequence[datetime],
    series: Sequence[ChartSeries],
    *,
    zone: tzinfo = UTC,
    zoom: str = "",
    number: Callable[[int], str] = formats.format_integer,
    link: Link | None = None,
    height: int = HEIGHT,
) -> StackedChart:
    """A picture of `what` over time: `edges` are where each bar begins, and where the last one ends.

    `series` are stacked as they come, at most five of them unless they are statuses. `zone` is the reader's,
    `number` says a value, `link` is where it leads in the table. Raises ValueError where a series
    has not one value a bar.
    """
    if any(len(each.values) != len(edges) - 1 for each in series):
        raise ValueError("A series has one value for each bar")
    edges = [edge.astimezone(UTC) for edge in edges]  # of which lengths are those that pass
    return StackedChart(what, edges, series, zone, zoom, number, link, height)
