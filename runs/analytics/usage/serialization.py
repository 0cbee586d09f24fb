"""A usage answer as the document that the API and the page's JSON file have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.analytics.usage.durations import Latency, Paces, Percentiles
from runs.analytics.usage.query import KIND
from runs.analytics.usage.report import Group, Usage
from runs.analytics.usage.rollup_reader import Sums

MOST_GROUPS = 100
_NANO = Decimal(1_000_000_000)
Document = dict[str, Any]


def document(found: Usage, paces: Latency | None) -> Document:
    """All numbers; `course` of a group has one entry for each of `parts`. Times are datetimes in UTC."""
    question = found.question
    by_kind = question.split.name == KIND
    others = [group for group in found.groups if group.others]
    return {
        "object": "usage",
        "from": question.since,
        "to": question.until,
        "time_zone": question.zone.key,
        "split": str(question.split),
        "measure": question.measure,
        "totals": amounts(found.totals),
        "previous": {
            "from": question.previous_since,
            "to": question.since,
            "totals": None if found.previous is None else amounts(found.previous),
            "comparable": found.is_comparable,
        },
        "parts": [{"from": since, "to": until} for since, until in zip(found.edges, found.edges[1:], strict=False)],
        "groups": [{"key": group.key, **_group(group, by_kind=by_kind)} for group in found.named],
        "others": {"groups": others[0].others, **_group(others[0], by_kind=by_kind)} if others else None,
        "counted_since": found.counted_since,
        "totals_counted": found.is_capped,
        "latency": None if paces is None else _latency(paces),
    }


def _group(group: Group, *, by_kind: bool) -> Document:
    def of(sums: Sums) -> Document:
        return {"total_tokens": sums.total_tokens} if by_kind else amounts(sums)

    return {
        "totals": of(group.sums),
        "previous": None if group.previous is None else of(group.previous),
        "course": [of(sums) for sums in group.course],
    }


def amounts(sums: Sums) -> Document:
    """The sums by their names, the cost in dollars."""
    found: Document = sums._asdict()
    found["cost_usd"] = usd(found.pop("cost"))
    return found


def usd(nano: int | None) -> float | None:
    """Nano-dollars as the nearest number of dollars that JSON has."""
    return None if nano is None else float(nano / _NANO)


def _latency(found: Latency) -> Document:
    return {
        **_paces(found.all),
        "median_total_tokens": found.tokens,
        "median_cost_usd": usd(found.cost),
        "counted_since": found.since,
        "assistants": [{"assistant_id": each.assistant_id, **_paces(each)} for each in found.assistants],
    }


def _paces(found: Paces) -> Document:
    return {"runs": found.runs, "duration_ms": _percentiles(found.duration), "queue_ms": _percentiles(found.queue)}


def _percentiles(found: Percentiles) -> Document:
    return {name: getattr(found, name) for name in ("p50", "p75", "p90", "p95", "p99", "max")}


@dataclass(frozen=True, slots=True)
class Line:
    """One group in one part of the time, as the table has it."""

    since: datetime
    until: datetime
    group: Group
    sums: Sums


def lines(found: Usage) -> Iterator[Line]:
    """What is not nothing, in the order of time."""
    for place in range(len(found.edges) - 1):
        for group in found.groups:
            sums = group.course[place]
            if sums.runs:
                yield Line(found.edges[place], found.edges[place + 1], group, sums)
