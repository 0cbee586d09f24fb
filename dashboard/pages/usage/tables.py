"""The tables of the usage page: usage by group, and latency by assistant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.usage.labels import MEASURE_GETTERS, usage_group_label
from dashboard.pages.usage.links import UsageLinks, min_duration_term, min_queue_term
from dashboard.ui import formats
from runs.analytics.usage import LatencyReport, LatencyStats, UsageGroup, UsageReport, UsageSums

# The possible ends of the scale of durations, in milliseconds.
_SCALE_ENDS = tuple(
    1000 * seconds for seconds in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400, 604_800)
)
_MAX_SCALE_POSITION = 99  # percent; the mark of the last percentile has a width


@dataclass(frozen=True, slots=True)
class UsageGroupRow:
    """A group. `url` is the list of its runs, "" if no filter can express the group.

    The widths of the bars are relative to the tokens of the largest group.
    """

    label: str
    url: str
    sums: UsageSums
    prompt_width: str
    completion_width: str
    share: str
    cost: str
    cost_title: str
    change: str
    change_url: str


@dataclass(frozen=True, slots=True)
class UsageBreakdown:
    """A table of groups.

    Attributes:
        label: The heading of the groups.
        rows: The groups.
        group_count: The number of groups, including those that are summed up as others.
        is_by_token_kind: Whether the groups are kinds of tokens. These have no runs and no cost.
        has_changes: Whether the groups are compared with the previous period.
        counted_since: The time from which groups were counted, None if that is the whole period.
    """

    label: str
    rows: list[UsageGroupRow]
    group_count: int
    is_by_token_kind: bool
    has_changes: bool
    counted_since: datetime | None


def build_usage_breakdown(report: UsageReport, links: UsageLinks, assistant_names: Mapping[str, str]) -> UsageBreakdown:
    """Return the table of all groups of a report, in their order."""
    max_tokens = max((_count_tokens(group.sums) for group in report.groups), default=0) or 1
    return UsageBreakdown(
        label=report.query.split.label,
        rows=[_build_group_row(report, group, max_tokens, links, assistant_names) for group in report.groups],
        group_count=sum(group.other_count or 1 for group in report.groups),
        is_by_token_kind=report.query.split.name == "kind",
        has_changes=report.is_comparable,
        counted_since=report.counted_since,
    )


def _build_group_row(
    report: UsageReport, group: UsageGroup, max_tokens: int, links: UsageLinks, assistant_names: Mapping[str, str]
) -> UsageGroupRow:
    query, sums = report.query, group.sums
    get_value = MEASURE_GETTERS[query.measure]
    label, url, change_url = f"{group.other_count:,} other{'' if group.other_count == 1 else 's'}", "", ""
    if not group.other_count:
        label = usage_group_label(query.split, group.key, assistant_names)
        url = links.group_runs(group.key, query.split)
        change_url = links.group_runs(group.key, query.split, previous=True)
    share = formats.format_percent(get_value(sums), get_value(report.totals))
    if query.measure == "cost" and not sums.cost:
        share = formats.NO_VALUE
    change = formats.NO_VALUE
    if group.previous is not None and report.is_comparable:
        change = formats.format_change(get_value(sums), get_value(group.previous))
    # Tokens of neither kind count as prompt tokens, so that the bar shows all tokens.
    prompt_tokens = _count_tokens(sums) - sums.completion_tokens
    return UsageGroupRow(
        label=label,
        url=url,
        sums=sums,
        prompt_width=f"{100 * prompt_tokens / max_tokens:.1f}%",
        completion_width=f"{100 * sums.completion_tokens / max_tokens:.1f}%",
        share=share,
        cost=format_usage_cost(sums),
        cost_title=f"{sums.unpriced_tokens:,} tokens are not priced" if sums.unpriced_tokens else "",
        change=change,
        change_url=change_url,
    )


def _count_tokens(sums: UsageSums) -> int:
    return max(sums.total_tokens, sums.prompt_tokens + sums.completion_tokens)


def format_usage_cost(sums: UsageSums) -> str:
    """Format a cost. It is a minimum if some tokens have no price."""
    if not sums.cost:
        return "no price" if sums.unpriced_tokens else formats.NO_VALUE
    return f"{'≥ ' if sums.unpriced_tokens else ''}{formats.format_cost(sums.cost)}"


@dataclass(frozen=True, slots=True)
class LatencyPercentile:
    """A percentile. `url` is the list of the runs that took at least as long, or ""."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """The latency of the runs of an assistant, or of all runs.

    `p50_x`, `p95_width` and `p99_x` are SVG lengths that place the percentiles on the scale. The width is that from
    p50 to p95.
    """

    label: str
    url: str
    runs: int
    durations: list[LatencyPercentile]
    queue_times: list[LatencyPercentile]
    p50_x: str
    p95_width: str
    p99_x: str


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """The table of latency. `scale_label` describes the scale of the pictures."""

    rows: list[LatencyRow]
    scale_label: str
    has_more_assistants: bool


def build_latency_table(report: LatencyReport, links: UsageLinks, assistant_names: Mapping[str, str]) -> LatencyTable:
    """Return the table of latency: all runs first, then each assistant."""
    all_stats = (report.overall, *report.assistants)
    low, high = _choose_scale(all_stats)
    first, last = formats.format_duration(low), formats.format_duration(high)
    return LatencyTable(
        rows=[_build_latency_row(stats, links, assistant_names, low, high) for stats in all_stats],
        scale_label=f"{first} to {last}, log scale: p50, p95, p99",
        has_more_assistants=report.has_more_assistants,
    )


def _choose_scale(all_stats: Sequence[LatencyStats]) -> tuple[int, int]:
    """Return the ends of a scale that covers every median and every p99, in milliseconds."""
    shortest = min((stats.duration.p50 for stats in all_stats if stats.duration.p50 is not None), default=0)
    longest = max((stats.duration.p99 for stats in all_stats if stats.duration.p99 is not None), default=0)
    low = max((end for end in _SCALE_ENDS if end <= shortest), default=_SCALE_ENDS[0])
    high = min((end for end in _SCALE_ENDS if end >= longest and end > low), default=2 * max(longest, low))
    return low, high


def _build_latency_row(
    stats: LatencyStats, links: UsageLinks, assistant_names: Mapping[str, str], low: int, high: int
) -> LatencyRow:
    runs = links.latency_runs(stats.assistant_id)
    duration, queue = stats.duration, stats.queue

    def build_percentile(milliseconds: int | None, *, is_queue: bool = False) -> LatencyPercentile:
        text = formats.format_duration(milliseconds)
        if milliseconds is None or milliseconds < 0:
            return LatencyPercentile(text, "")
        term = min_queue_term(milliseconds) if is_queue else min_duration_term(milliseconds)
        return LatencyPercentile(text, runs.matching(term))

    def scale_position(milliseconds: int | None) -> float:
        position = math.log(max(milliseconds or low, low) / low) / math.log(high / low)
        return _MAX_SCALE_POSITION * min(position, 1)

    durations = (duration.p50, duration.p75, duration.p90, duration.p95, duration.p99, duration.max)
    p50, p95, p99 = map(scale_position, (duration.p50, duration.p95, duration.p99))
    label = "All" if stats.assistant_id is None else assistant_names.get(stats.assistant_id, stats.assistant_id)
    return LatencyRow(
        label=label,
        url=runs.matching(),
        runs=stats.runs,
        durations=[build_percentile(milliseconds) for milliseconds in durations],
        queue_times=[
            build_percentile(milliseconds, is_queue=True) for milliseconds in (queue.p50, queue.p95, queue.p99)
        ],
        p50_x=f"{p50:.1f}%",
        p95_width=f"{p95 - p50:.1f}%",
        p99_x=f"{p99:.1f}%",
    )
