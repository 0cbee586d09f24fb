"""The charts of the error pages: runs over time, by error group."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from dashboard.ui import formats
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.distinct_labels import shorten_apart
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupReport, ErrorTimeRange
from runs.models import ErrorGroup

MAX_CHART_GROUPS = 4  # groups with a series of their own
CHART_HEIGHT = 72
ZOOM_FORM = "#error-range"  # the form that is submitted when a bar is clicked
_MAX_LABEL_LENGTH = 32


def build_error_groups_chart(
    report: ErrorGroupReport, distributions: Mapping[uuid.UUID | None, ErrorGroupDistribution], zone: tzinfo
) -> StackedChart:
    """Return the chart of all groups: a series for each of the largest ones, and one for all others.

    Args:
        report: the groups.
        distributions: the distributions of at least the largest groups, by id; None is the id of all others.
        zone: the time zone of the axis.
    """
    largest = [stats.group for stats in report.groups[:MAX_CHART_GROUPS]]
    other_counts: Counter[int] = Counter()
    for group_id, distribution in distributions.items():
        if group_id not in {group.pk for group in largest}:
            other_counts.update(distribution.over_time)
    series = [
        _build_series(label, distributions[group.pk].over_time, report.time_range)
        for label, group in zip(_build_unique_labels(largest), largest, strict=True)
    ]
    if other_counts:
        others = report.group_count - len(largest)
        series.append(_build_series(f"{others:,} other{'' if others == 1 else 's'}", other_counts, report.time_range))
    return _build_chart("Failed, incomplete and expired runs", series, report.time_range, zone)


def build_error_group_chart(
    group: ErrorGroup, distribution: ErrorGroupDistribution, time_range: ErrorTimeRange, zone: tzinfo
) -> StackedChart:
    """Return the chart of one group, in the color of its status."""
    status = group.status if group.status in formats.STATUS_LABELS else ""
    series = _build_series(format_group_label(group), distribution.over_time, time_range, status)
    return _build_chart("Runs", [series], time_range, zone)


def format_group_label(group: ErrorGroup) -> str:
    """Return a short label of a group: its code, or its status."""
    return shorten_apart([_name_group(group)], _MAX_LABEL_LENGTH)[0]


def _build_unique_labels(groups: Sequence[ErrorGroup]) -> list[str]:
    """Return the labels of groups. Those with the same code are followed by what tells their messages apart."""
    labels = shorten_apart([_name_group(group) for group in groups], _MAX_LABEL_LENGTH)
    messages = shorten_apart([group.template for group in groups], _MAX_LABEL_LENGTH)
    counts = Counter(labels)
    return [
        label if counts[label] == 1 else f"{label}: {message}" if message else f"{label}, no message"
        for label, message in zip(labels, messages, strict=True)
    ]


def _name_group(group: ErrorGroup) -> str:
    return group.code or f"{formats.format_status(group.status)}, no code"


def _build_series(label: str, counts: Counter[int], time_range: ErrorTimeRange, status: str = "") -> ChartSeries:
    return ChartSeries(label, [counts[index] for index in range(time_range.buckets.count)], status)


def _build_chart(title: str, series: Sequence[ChartSeries], time_range: ErrorTimeRange, zone: tzinfo) -> StackedChart:
    edges = list(time_range.buckets.edges)
    return build_stacked_chart(title, edges, series, zone=zone, zoom=ZOOM_FORM, height=CHART_HEIGHT)
