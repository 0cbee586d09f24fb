"""The stacked bar chart of the usage page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dashboard.pages.usage.labels import MEASURE_FORMATTERS, MEASURE_GETTERS, MEASURE_LABELS, usage_group_label
from dashboard.pages.usage.links import UsageLinks, format_time_range_query
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.charts.stacked import MAX_COLORS
from runs.analytics.usage import UsageReport


def build_usage_chart(report: UsageReport, links: UsageLinks, assistant_names: Mapping[str, str]) -> StackedChart:
    """Return the chart of the measure: a series for each of the first groups, and one for all others.

    Statuses have colors of their own, so that a split by status draws every group.
    """
    query = report.query
    get_value = MEASURE_GETTERS[query.measure]

    # 1. Choose the groups that have a series of their own.
    has_status_colors = query.split.name == "status"
    named_count = len(report.named_groups)
    if not has_status_colors and (len(report.groups) > MAX_COLORS or named_count < len(report.groups)):
        named_count = MAX_COLORS - 1
    drawn, others = report.groups[:named_count], report.groups[named_count:]

    # 2. Build the series.
    series = [
        ChartSeries(
            label=usage_group_label(query.split, group.key, assistant_names),
            values=[get_value(sums) for sums in group.series],
            status=(group.key or "") if has_status_colors else "",
        )
        for group in drawn
    ]
    if others:
        count = sum(max(group.other_count, 1) for group in others)
        columns = zip(*([get_value(sums) for sums in group.series] for group in others), strict=True)
        series.append(ChartSeries(f"{count:,} others", [sum(values) for values in columns]))

    # 3. Link each cell of the table to its runs. The series of all others has no filter.
    all_url = links.runs_without_times(query.filters)
    group_urls = [
        "" if group.key == "" else links.runs_without_times(query.filters_for_group(group.key)) for group in drawn
    ]

    def build_url(series_index: int | None, since: datetime, until: datetime) -> str:
        if series_index is None:
            return all_url + format_time_range_query(since, until)
        url = group_urls[series_index] if series_index < len(group_urls) else ""
        return url and url + format_time_range_query(since, until)

    return build_stacked_chart(
        MEASURE_LABELS[query.measure],
        report.edges,
        series,
        zone=query.zone,
        zoom=links.page_without_times,
        format_value=MEASURE_FORMATTERS[query.measure],
        build_url=build_url,
    )
