"""Runs that ended badly over time: the largest groups each in its colour, all others together."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from dashboard.ui import formats
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupReport, ErrorTimeRange
from runs.models import ErrorGroup

MAX_CHART_SERIES = 4
CHART_HEIGHT = 72
_MAX_LABEL_LENGTH = 32


def build_error_groups_chart(
    found: ErrorGroupReport, parts: Mapping[uuid.UUID | None, ErrorGroupDistribution], zone: tzinfo, zoom: str
) -> StackedChart:
    """All groups, of which `parts` has to know the largest ones."""
    shown, window = found.groups[:MAX_CHART_SERIES], found.time_range
    rest: Counter[int] = Counter()
    for key, each in parts.items():
        if key not in {counted.group.pk for counted in shown}:
            rest.update(each.over_time)
    labels = _format_unique_labels([counted.group for counted in shown])
    series = [
        _build_series(label, parts[counted.group.pk].over_time, window)
        for label, counted in zip(labels, shown, strict=True)
    ]
    if rest:
        others = found.group_count - len(shown)
        series.append(_build_series(f"{others:,} other{'' if others == 1 else 's'}", rest, window))
    return build_stacked_chart("Runs ended badly", _edges(window), series, zone=zone, zoom=zoom, height=CHART_HEIGHT)


def build_error_group_chart(
    group: ErrorGroup, parts: ErrorGroupDistribution, window: ErrorTimeRange, zone: tzinfo, zoom: str
) -> StackedChart:
    """One group, in the colour of how it ended."""
    known = group.status in formats.STATUS_LABELS
    series = ChartSeries(
        format_group_label(group),
        [parts.over_time[place] for place in range(window.buckets.count)],
        group.status if known else "",
    )
    return build_stacked_chart("Runs", _edges(window), [series], zone=zone, zoom=zoom, height=CHART_HEIGHT)


def format_group_label(group: ErrorGroup) -> str:
    """A group in a word: its code, or what it has in place of one."""
    return _truncate(group.code or f"{formats.format_status(group.status)}, no code")


def _format_unique_labels(groups: Sequence[ErrorGroup]) -> list[str]:
    """Those of one code are told apart by how their messages begin."""
    codes = Counter(format_group_label(group) for group in groups)
    return [
        format_group_label(group) if codes[format_group_label(group)] == 1 else _format_long_label(group)
        for group in groups
    ]


def _format_long_label(group: ErrorGroup) -> str:
    return (
        f"{format_group_label(group)}: {_truncate(group.template)}"
        if group.template
        else f"{format_group_label(group)}, no message"
    )


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_LABEL_LENGTH else text[:_MAX_LABEL_LENGTH].rstrip() + "…"


def _build_series(name: str, counts: Counter[int], window: ErrorTimeRange) -> ChartSeries:
    return ChartSeries(name, [counts[place] for place in range(window.buckets.count)])


def _edges(window: ErrorTimeRange) -> list[datetime]:
    return list(window.buckets.edges)
