"""The table of metrics before and after a change, with differences and sparklines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.pages.assistants.run_links import LONGEST_FIRST, MOST_TOKENS_FIRST, AssistantRunLinks
from dashboard.pages.assistants.summary import format_points
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from dashboard.ui.formats import MINUS_SIGN, NO_VALUE
from runs.analytics.confidence_intervals import Proportion, newcombe_interval
from runs.analytics.version_comparison import PARTS_PER_SIDE, VersionComparison, VersionMetrics, VersionSide
from runs.db.keyset_pagination import NEWEST_FIRST, Order

MIN_COMPARED_RUNS = 5  # on each side; a change of a median, percentile or mean of fewer is not shown


@dataclass(frozen=True, slots=True)
class VersionMetricCell:
    """A value, the URL of its runs, and the number of runs that have the value unless all have it."""

    text: str
    url: str
    known_runs: str = ""


@dataclass(frozen=True, slots=True)
class VersionMetricRow:
    """A row of the table. `is_worse`: it counts failures, and they increased significantly."""

    label: str
    before: VersionMetricCell
    after: VersionMetricCell
    change: str
    is_worse: bool
    spark: Sparkline


@dataclass(frozen=True, slots=True)
class VersionMetric:
    """The definition of a metric.

    `get_known_runs` returns the number of runs that have a value. `failure_share` is set for a share that must not
    rise. `query` and `order` select the runs behind the value.
    """

    label: str
    get_value: Callable[[VersionMetrics], float | None]
    get_known_runs: Callable[[VersionMetrics], int]
    format_value: Callable[[float], str]
    format_change: Callable[[float, float], str]
    query: str = ""
    order: Order = NEWEST_FIRST
    failure_share: Callable[[VersionMetrics], Proportion] | None = None


def build_version_metrics(result: VersionComparison, run_links: AssistantRunLinks) -> list[VersionMetricRow]:
    """Return the rows for both sides of a change."""
    rows = []
    for metric in VERSION_METRICS:
        is_worse = _is_significant_rise(metric, result)
        rows.append(
            VersionMetricRow(
                metric.label,
                _build_cell(metric, result.before, run_links),
                _build_cell(metric, result.after, run_links),
                _format_metric_change(metric, result),
                is_worse,
                _build_sparkline(metric, result, is_worse=is_worse),
            )
        )
    return rows


def _format_metric_change(metric: VersionMetric, result: VersionComparison) -> str:
    """Return the change of a metric. Of values without an interval, it means nothing if too few runs have them."""
    before, after = result.before.metrics, result.after.metrics
    old, new = metric.get_value(before), metric.get_value(after)
    change = "" if old is None or new is None else metric.format_change(old, new)
    known_runs = min(metric.get_known_runs(before), metric.get_known_runs(after))
    return "too few runs" if change and metric.failure_share is None and known_runs < MIN_COMPARED_RUNS else change


def _build_cell(metric: VersionMetric, side: VersionSide, run_links: AssistantRunLinks) -> VersionMetricCell:
    value, known_runs = metric.get_value(side.metrics), metric.get_known_runs(side.metrics)
    is_partly_known = 0 < known_runs < side.metrics.runs
    return VersionMetricCell(
        text=NO_VALUE if value is None else metric.format_value(value),
        url="" if value is None else run_links.side_url(side, metric.query, metric.order),
        known_runs=f"of {known_runs:,}" if is_partly_known else "",
    )


def _build_sparkline(metric: VersionMetric, result: VersionComparison, *, is_worse: bool) -> Sparkline:
    """Return a sparkline of the parts before the change, then those after it."""
    parts = [result.before.parts.get(number) for number in range(-PARTS_PER_SIDE, 0)]
    parts += [result.after.parts.get(number) for number in range(PARTS_PER_SIDE)]
    values = [0.0 if part is None else metric.get_value(part) or 0.0 for part in parts]
    hot = range(PARTS_PER_SIDE, 2 * PARTS_PER_SIDE) if is_worse else ()
    return build_sparkline(values, highlighted=hot, marker=PARTS_PER_SIDE)


def _is_significant_rise(metric: VersionMetric, result: VersionComparison) -> bool:
    if metric.failure_share is None:
        return False
    interval = newcombe_interval(
        metric.failure_share(result.before.metrics), metric.failure_share(result.after.metrics)
    )
    return interval is not None and interval.low > 0


def _format_share(share: float) -> str:
    return formats.format_percent(share, 1)


def _format_count(count: float) -> str:
    return formats.format_integer(round(count))


def _format_duration(ms: float) -> str:
    return formats.format_duration(round(ms), precise=bool(ms % 1000))


def _format_cost(nano_dollars: float) -> str:
    return formats.format_cost(round(nano_dollars))


def _format_point_change(old: float, new: float) -> str:
    return f"{format_points(new - old)} pts"


def _format_relative_change(old: float, new: float) -> str:
    if not old:
        return "" if new == old else "from 0"
    change = round(100 * (new - old) / old)
    return f"{_sign(change)}{abs(change):,} %"


def _format_absolute_change(old: float, new: float) -> str:
    change = round(new - old, 1)
    return f"{_sign(change)}{abs(change):.1f}"


def _sign(change: float) -> str:
    return "+" if change > 0 else MINUS_SIGN if change < 0 else ""


# In the order of the table.
VERSION_METRICS = (
    VersionMetric(
        "Runs",
        lambda metrics: metrics.runs,
        lambda metrics: metrics.runs,
        _format_count,
        lambda _old, _new: "",
    ),
    VersionMetric(
        "Failed",
        lambda metrics: metrics.failed / metrics.runs if metrics.runs else None,
        lambda metrics: metrics.runs,
        _format_share,
        _format_point_change,
        query="status:failed",
        failure_share=lambda metrics: metrics.failed_share,
    ),
    VersionMetric(
        "Incomplete",
        lambda metrics: metrics.incomplete / metrics.runs if metrics.runs else None,
        lambda metrics: metrics.runs,
        _format_share,
        _format_point_change,
        query="status:incomplete",
        failure_share=lambda metrics: metrics.incomplete_share,
    ),
    VersionMetric(
        "Duration p50",
        lambda metrics: metrics.p50_ms,
        lambda metrics: metrics.duration_runs,
        _format_duration,
        _format_relative_change,
        query="duration:*",
        order=LONGEST_FIRST,
    ),
    VersionMetric(
        "Duration p95",
        lambda metrics: metrics.p95_ms,
        lambda metrics: metrics.duration_runs,
        _format_duration,
        _format_relative_change,
        query="duration:*",
        order=LONGEST_FIRST,
    ),
    VersionMetric(
        "Prompt tokens, median",
        lambda metrics: metrics.prompt_tokens,
        lambda metrics: metrics.prompt_token_runs,
        _format_count,
        _format_relative_change,
        query="prompt_tokens:*",
        order=MOST_TOKENS_FIRST,
    ),
    VersionMetric(
        "Completion tokens, median",
        lambda metrics: metrics.completion_tokens,
        lambda metrics: metrics.completion_token_runs,
        _format_count,
        _format_relative_change,
        query="completion_tokens:*",
        order=MOST_TOKENS_FIRST,
    ),
    VersionMetric(
        "Tool calls per run, mean",
        lambda metrics: metrics.tool_calls,
        lambda metrics: metrics.tool_call_runs,
        lambda mean: f"{mean:.1f}",
        _format_absolute_change,
    ),
    VersionMetric(
        "Cost per run, mean, est.",
        lambda metrics: metrics.cost,
        lambda metrics: metrics.cost_runs,
        _format_cost,
        _format_relative_change,
    ),
)
