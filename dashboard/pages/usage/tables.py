"""The groups of a usage answer, and how long runs took, as rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.usage.chart import MEASURE_GETTERS
from dashboard.pages.usage.labels import usage_group_label
from dashboard.pages.usage.links import UsageLinks, min_duration_term, min_queue_term
from dashboard.ui import formats
from runs.analytics.usage import LatencyReport, LatencyStats, UsageGroup, UsageReport, UsageSplit, UsageSums

# Ends of the scale of durations, in milliseconds.
_SCALE_ENDS = tuple(1000 * each for each in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400, 604_800))


@dataclass(frozen=True, slots=True)
class UsageGroupRow:
    """One group. Bars are in percent of the largest one's tokens; `url` is "" for others, which have none."""

    name: str
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
    """A table of groups. `values` is how many there are, others counted; `is_kinds`: of tokens, not of runs.

    `has_changes`: against the time before. `counted_since`: where counting them began, if not at the start.
    """

    label: str
    rows: list[UsageGroupRow]
    values: int
    is_kinds: bool
    has_changes: bool
    counted_since: datetime | None


def build_usage_breakdown(found: UsageReport, links: UsageLinks, names: Mapping[str, str]) -> UsageBreakdown:
    """All groups of an answer, in their order."""
    largest = max((_tokens(group.sums) for group in found.groups), default=0) or 1
    rows = [_row(found, group, largest, links, names) for group in found.groups]
    split = found.query.split
    values = sum(group.other_count or 1 for group in found.groups)
    return UsageBreakdown(split.label, rows, values, split.name == "kind", found.is_comparable, found.counted_since)


def _row(
    found: UsageReport, group: UsageGroup, largest: int, links: UsageLinks, names: Mapping[str, str]
) -> UsageGroupRow:
    question, measured = found.query, MEASURE_GETTERS[found.query.measure]
    name = f"{group.other_count:,} other{'' if group.other_count == 1 else 's'}" if group.other_count else ""
    has_address = not group.other_count
    prompt, completion = _parts(group.sums)
    return UsageGroupRow(
        name or usage_group_label(question.split, group.key, names),
        links.group(group.key, question.split) if has_address else "",
        group.sums,
        f"{100 * prompt / largest:.1f}%",
        f"{100 * completion / largest:.1f}%",
        _share(found, group, measured),
        format_usage_cost(group.sums),
        format_unpriced_tokens(group.sums),
        _change(found, group, measured),
        links.group(group.key, question.split, before=True) if has_address else "",
    )


def _share(found: UsageReport, group: UsageGroup, measured: Callable[[UsageSums], int]) -> str:
    """Of all; of the cost only where it is known."""
    if found.query.measure == "cost" and not group.sums.cost:
        return formats.NO_VALUE
    return formats.format_percent(measured(group.sums), measured(found.totals))


def _change(found: UsageReport, group: UsageGroup, measured: Callable[[UsageSums], int]) -> str:
    """Against the time before, where the two can be compared."""
    if group.previous is None or not found.is_comparable:
        return formats.NO_VALUE
    return formats.format_change(measured(group.sums), measured(group.previous))


def _tokens(sums: UsageSums) -> int:
    return max(sums.total_tokens, sums.prompt_tokens + sums.completion_tokens)


def _parts(sums: UsageSums) -> tuple[int, int]:
    """Prompt and completion; what is neither counts with the prompt, so that bars are as long as their tokens."""
    return _tokens(sums) - sums.completion_tokens, sums.completion_tokens


def format_usage_cost(sums: UsageSums) -> str:
    """What is known of the cost: of models without a price nothing, of some of the runs at least so much."""
    if not sums.cost:
        return "no price" if sums.unpriced_tokens else formats.NO_VALUE
    return f"{'≥ ' if sums.unpriced_tokens else ''}{formats.format_cost(sums.cost)}"


def format_unpriced_tokens(sums: UsageSums) -> str:
    """Why the cost is no more than that; "" where it is whole."""
    return f"{sums.unpriced_tokens:,} tokens are not priced" if sums.unpriced_tokens else ""


@dataclass(frozen=True, slots=True)
class LatencyPercentile:
    """A percentile, and the runs that took no less."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """How long the runs of an assistant took. `x50`, `width` and `x99` place the picture of it on the scale."""

    name: str
    url: str
    runs: int
    durations: list[LatencyPercentile]
    queues: list[LatencyPercentile]
    x50: str
    width: str
    x99: str


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """The table of durations; `scale` says what its pictures reach over. Assistants are missing where it `is_cut`."""

    rows: list[LatencyRow]
    scale: str
    is_cut: bool


def build_latency_table(found: LatencyReport, links: UsageLinks, names: Mapping[str, str]) -> LatencyTable:
    """All runs first, then each assistant."""
    everything = (found.overall, *found.assistants)
    low, high = _scale(everything)
    rows = [_pace(paces, links, names, low, high) for paces in everything]
    first, last = formats.format_duration(low, spelled=True), formats.format_duration(high, spelled=True)
    return LatencyTable(rows, f"{first} to {last}, log scale: p50, p95, p99", found.has_more_assistants)


def _scale(found: Sequence[LatencyStats]) -> tuple[int, int]:
    """The marks that all medians and all p99 lie between."""
    shortest = min((paces.duration.p50 for paces in found if paces.duration.p50 is not None), default=0)
    longest = max((paces.duration.p99 for paces in found if paces.duration.p99 is not None), default=0)
    low = max((mark for mark in _SCALE_ENDS if mark <= shortest), default=_SCALE_ENDS[0])
    high = min((mark for mark in _SCALE_ENDS if mark >= longest and mark > low), default=2 * max(longest, low))
    return low, high


def _pace(paces: LatencyStats, links: UsageLinks, names: Mapping[str, str], low: int, high: int) -> LatencyRow:
    name, runs = paces.assistant_id, links.assistant(paces.assistant_id)
    duration, queue = paces.duration, paces.queue
    x50, x95, x99 = (_place(each, low, high) for each in (duration.p50, duration.p95, duration.p99))

    def mark(milliseconds: int | None, *, is_queue: bool = False) -> LatencyPercentile:
        if milliseconds is None or milliseconds < 0:
            return LatencyPercentile(formats.format_duration(milliseconds), "")
        term = min_queue_term(milliseconds) if is_queue else min_duration_term(milliseconds)
        return LatencyPercentile(formats.format_duration(milliseconds), runs.where(term))

    spans = (duration.p50, duration.p75, duration.p90, duration.p95, duration.p99, duration.max)
    return LatencyRow(
        "All" if name is None else names.get(name, name),
        runs.where(),
        paces.runs,
        [mark(each) for each in spans],
        [mark(each, is_queue=True) for each in (queue.p50, queue.p95, queue.p99)],
        f"{x50:.1f}%",
        f"{x95 - x50:.1f}%",
        f"{x99:.1f}%",
    )


def _place(milliseconds: int | None, low: int, high: int) -> float:
    """Where that is on the scale, in percent of its width."""
    reach = math.log(max(milliseconds or low, low) / low) / math.log(high / low)
    return 99 * min(reach, 1)  # the last mark has a width


def secondary_split(split: UsageSplit) -> UsageSplit:
    """What the second table is by: models, or assistants where the first one is by models."""
    return UsageSplit("assistant") if split.name == "model" else UsageSplit("model")
