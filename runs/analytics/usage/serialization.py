"""A usage answer as the document that the API and the page's JSON file have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.analytics.usage.durations import LatencyPercentiles, LatencyReport, LatencyStats
from runs.analytics.usage.query import TOKEN_KIND_SPLIT
from runs.analytics.usage.report import UsageGroup, UsageReport
from runs.analytics.usage.table import UsageSums

MAX_USAGE_GROUPS = 100
_NANO = Decimal(1_000_000_000)
UsageDocument = dict[str, Any]


def serialize_usage(found: UsageReport, paces: LatencyReport | None) -> UsageDocument:
    """All numbers; `course` of a group has one entry for each of `parts`. Times are datetimes in UTC."""
    question = found.query
    by_kind = question.split.name == TOKEN_KIND_SPLIT
    others = [group for group in found.groups if group.other_count]
    return {
        "object": "usage",
        "from": question.since,
        "to": question.until,
        "time_zone": question.zone.key,
        "split": str(question.split),
        "measure": question.measure,
        "totals": serialize_sums(found.totals),
        "previous": {
            "from": question.previous_since,
            "to": question.since,
            "totals": None if found.previous is None else serialize_sums(found.previous),
            "comparable": found.is_comparable,
        },
        "parts": [{"from": since, "to": until} for since, until in zip(found.edges, found.edges[1:], strict=False)],
        "groups": [{"key": group.key, **_group(group, by_kind=by_kind)} for group in found.named_groups],
        "others": {"groups": others[0].other_count, **_group(others[0], by_kind=by_kind)} if others else None,
        "counted_since": found.counted_since,
        "totals_counted": found.is_capped,
        "latency": None if paces is None else _latency(paces),
    }


def _group(group: UsageGroup, *, by_kind: bool) -> UsageDocument:
    def of(sums: UsageSums) -> UsageDocument:
        return {"total_tokens": sums.total_tokens} if by_kind else serialize_sums(sums)

    return {
        "totals": of(group.sums),
        "previous": None if group.previous is None else of(group.previous),
        "course": [of(sums) for sums in group.series],
    }


def serialize_sums(sums: UsageSums) -> UsageDocument:
    """The sums by their names, the cost in dollars."""
    found: UsageDocument = sums._asdict()
    found["cost_usd"] = nano_to_usd(found.pop("cost"))
    return found


def nano_to_usd(nano: int | None) -> float | None:
    """Nano-dollars as the nearest number of dollars that JSON has."""
    return None if nano is None else float(nano / _NANO)


def _latency(found: LatencyReport) -> UsageDocument:
    return {
        **_paces(found.overall),
        "median_total_tokens": found.median_tokens,
        "median_cost_usd": nano_to_usd(found.median_cost),
        "counted_since": found.counted_since,
        "assistants": [{"assistant_id": each.assistant_id, **_paces(each)} for each in found.assistants],
    }


def _paces(found: LatencyStats) -> UsageDocument:
    return {"runs": found.runs, "duration_ms": _percentiles(found.duration), "queue_ms": _percentiles(found.queue)}


def _percentiles(found: LatencyPercentiles) -> UsageDocument:
    return {name: getattr(found, name) for name in ("p50", "p75", "p90", "p95", "p99", "max")}


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One group in one part of the time, as the table has it."""

    since: datetime
    until: datetime
    group: UsageGroup
    sums: UsageSums


def build_usage_lines(found: UsageReport) -> Iterator[UsageLine]:
    """What is not nothing, in the order of time."""
    for place in range(len(found.edges) - 1):
        for group in found.groups:
            sums = group.series[place]
            if sums.runs:
                yield UsageLine(found.edges[place], found.edges[place + 1], group, sums)
