"""The course of what is measured, as stacked bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dashboard.pages.usage.labels import usage_group_label
from dashboard.pages.usage.links import UsageLinks, format_time_range_query
from dashboard.ui import formats
from dashboard.ui.charts import ChartSeries, StackedChart, build_stacked_chart
from dashboard.ui.charts.stacked import MAX_COLORS
from runs.analytics.usage import UsageGroup, UsageReport, UsageSums

MEASURE_GETTERS: dict[str, Callable[[UsageSums], int]] = {
    "tokens": lambda sums: sums.total_tokens,
    "cost": lambda sums: sums.cost,
    "runs": lambda sums: sums.runs,
}
MEASURE_LABELS = {"tokens": "Tokens", "cost": "Cost, est.", "runs": "Runs"}
MEASURE_FORMATTERS: dict[str, Callable[[int], str]] = {
    "tokens": formats.format_tokens,
    "cost": formats.format_cost,
    "runs": formats.format_integer,
}


def build_usage_chart(found: UsageReport, links: UsageLinks, names: Mapping[str, str]) -> StackedChart:
    """The first groups and the others as one, the largest at the bottom. Statuses have colours of their own."""
    shown, rest = _divided(found)
    measured = MEASURE_GETTERS[found.query.measure]
    series = [_series(found, group, measured, names) for group in shown]
    if rest:
        count = sum(max(group.other_count, 1) for group in rest)
        courses = [[measured(sums) for sums in group.series] for group in rest]
        series.append(ChartSeries(f"{count:,} others", [sum(values) for values in zip(*courses, strict=True)]))
    return build_stacked_chart(
        MEASURE_LABELS[found.query.measure],
        found.edges,
        series,
        zone=found.query.zone,
        zoom=links.timeless,
        format_value=MEASURE_FORMATTERS[found.query.measure],
        build_url=_link(found, shown, links),
    )


def _divided(found: UsageReport) -> tuple[Sequence[UsageGroup], Sequence[UsageGroup]]:
    """Those that are drawn one by one, and those that are together."""
    is_few = len(found.groups) <= MAX_COLORS and len(found.named_groups) == len(found.groups)
    if is_few or found.query.split.name == "status":
        return found.named_groups, found.groups[len(found.named_groups) :]
    return found.groups[: MAX_COLORS - 1], found.groups[MAX_COLORS - 1 :]


def _series(
    found: UsageReport, group: UsageGroup, measured: Callable[[UsageSums], int], names: Mapping[str, str]
) -> ChartSeries:
    status = group.key or "" if found.query.split.name == "status" else ""
    return ChartSeries(
        usage_group_label(found.query.split, group.key, names), [measured(each) for each in group.series], status
    )


def _link(
    found: UsageReport, shown: Sequence[UsageGroup], links: UsageLinks
) -> Callable[[int | None, datetime, datetime], str]:
    """To the runs of a series in one bar; those of the others have no address of their own."""
    question = found.query
    everything = links.whenever(question.filters)
    bases = ["" if group.key == "" else links.whenever(question.filters_for_group(group.key)) for group in shown]

    def link(series: int | None, since: datetime, until: datetime) -> str:
        base = everything if series is None else bases[series] if series < len(bases) else ""
        return base and base + format_time_range_query(since, until)

    return link
