"""The usage report as JSON, for the REST API and for the usage page's JSON file, and as table rows.

The OpenAPI document of the REST API is generated from the types in this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runs.analytics.usage.latency import LatencyPercentiles, LatencyReport
from runs.analytics.usage.query import TOKEN_KIND_SPLIT, USAGE_MEASURES
from runs.analytics.usage.report import UsageGroup, UsageReport
from runs.analytics.usage.table import UsageSums

MAX_USAGE_GROUPS = 100
_NANO_PER_DOLLAR = Decimal(1_000_000_000)

_Count = Annotated[int, Meta(ge=0)]
_Timestamp = Annotated[datetime, Meta(tz=True)]
_Dollars = Annotated[float, Meta(ge=0)]


class UsageAmounts(Struct, forbid_unknown_fields=True):
    """Sums over runs. Groups by kind of token only have `total_tokens`."""

    total_tokens: int
    runs: int | UnsetType = UNSET
    prompt_tokens: int | UnsetType = UNSET
    completion_tokens: int | UnsetType = UNSET
    cached_tokens: Annotated[int | UnsetType, Meta(description="Part of the prompt tokens.")] = UNSET
    reasoning_tokens: Annotated[int | UnsetType, Meta(description="Part of the completion tokens.")] = UNSET
    unpriced_tokens: Annotated[int | UnsetType, Meta(description="Tokens of runs without a known price.")] = UNSET
    cost_usd: Annotated[
        _Dollars | UnsetType, Meta(description="Estimated cost of the runs with a known price, in US dollars.")
    ] = UNSET


class UsagePeriod(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """A part of the reported period, such as a day."""

    since: _Timestamp
    until: _Timestamp


class PreviousUsage(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """The period of the same length before the reported one."""

    since: _Timestamp
    until: _Timestamp
    totals: Annotated[UsageAmounts | None, Meta(description="Null if it is not known.")]
    comparable: Annotated[bool, Meta(description="Whether the project had runs before this period started.")]


class UsageGroupDocument(Struct, forbid_unknown_fields=True):
    """The usage of the runs with the same value."""

    key: Annotated[str | None, Meta(description="The value. Null for runs without one.")]
    totals: UsageAmounts
    previous: UsageAmounts | None
    series: Annotated[list[UsageAmounts], Meta(description="One element per bucket.")]


class OtherUsageGroups(Struct, forbid_unknown_fields=True):
    """The usage of all groups that are not listed."""

    groups: Annotated[int, Meta(ge=0, description="The number of these groups.")]
    totals: UsageAmounts
    previous: UsageAmounts | None
    series: Annotated[list[UsageAmounts], Meta(description="One element per bucket.")]


class AssistantLatency(Struct, forbid_unknown_fields=True):
    """The latency of the runs of one assistant."""

    assistant_id: str
    runs: _Count
    duration_ms: LatencyPercentiles
    queue_ms: LatencyPercentiles


class UsageLatency(Struct, forbid_unknown_fields=True):
    """The latency of the latest runs that ended: from creation to end (`duration_ms`) and to start (`queue_ms`)."""

    runs: _Count
    duration_ms: LatencyPercentiles
    queue_ms: LatencyPercentiles
    median_total_tokens: int | None
    median_cost_usd: _Dollars | None
    counted_since: Annotated[
        _Timestamp | None, Meta(description="Creation time of the oldest run counted. Null if all were counted.")
    ]
    assistants: list[AssistantLatency]


class UsageDocument(
    Struct, forbid_unknown_fields=True, tag_field="object", tag="usage", rename={"since": "from", "until": "to"}
):
    """The usage of the runs in a period."""

    since: _Timestamp
    until: Annotated[_Timestamp, Meta(description="Exclusive.")]
    time_zone: Annotated[str, Meta(description="The time zone in which days start.")]
    split: Annotated[str, Meta(description="What the groups are.")]
    measure: Annotated[
        str, Meta(description="What the groups are sorted by.", extra_json_schema={"enum": [*USAGE_MEASURES]})
    ]
    totals: UsageAmounts
    previous: PreviousUsage
    buckets: Annotated[list[UsagePeriod], Meta(description="The parts of the period, such as days.")]
    groups: list[UsageGroupDocument]
    others: OtherUsageGroups | None
    counted_since: Annotated[
        _Timestamp | None,
        Meta(description="Start of the groups, if more runs match than can be counted one by one. Null otherwise."),
    ]
    totals_counted: Annotated[bool, Meta(description="Whether the totals start at `counted_since` as well.")]
    latency: UsageLatency | None


def serialize_usage(report: UsageReport, latency: LatencyReport | None) -> UsageDocument:
    """Return the report as JSON types."""
    query = report.query
    by_token_kind = query.split.name == TOKEN_KIND_SPLIT
    others = next((group for group in report.groups if group.other_count), None)
    return UsageDocument(
        since=query.since,
        until=query.until,
        time_zone=query.zone.key,
        split=str(query.split),
        measure=query.measure,
        totals=_serialize_sums(report.totals),
        previous=PreviousUsage(
            since=query.previous_since,
            until=query.since,
            totals=None if report.previous is None else _serialize_sums(report.previous),
            comparable=report.is_comparable,
        ),
        buckets=[UsagePeriod(since, until) for since, until in zip(report.edges, report.edges[1:], strict=False)],
        groups=[
            UsageGroupDocument(group.key, *_serialize_group(group, by_token_kind)) for group in report.named_groups
        ],
        others=OtherUsageGroups(others.other_count, *_serialize_group(others, by_token_kind)) if others else None,
        counted_since=report.counted_since,
        totals_counted=report.is_capped,
        latency=None if latency is None else _serialize_latency(latency),
    )


def _serialize_group(
    group: UsageGroup, by_token_kind: bool
) -> tuple[UsageAmounts, UsageAmounts | None, list[UsageAmounts]]:
    """Return totals, totals of the previous period, and the series of a group."""

    def serialize(sums: UsageSums) -> UsageAmounts:
        return UsageAmounts(sums.total_tokens) if by_token_kind else _serialize_sums(sums)

    previous = None if group.previous is None else serialize(group.previous)
    return serialize(group.sums), previous, [serialize(sums) for sums in group.series]


def _serialize_sums(sums: UsageSums) -> UsageAmounts:
    amounts = sums._asdict()
    cost_usd = float(amounts.pop("cost") / _NANO_PER_DOLLAR)
    return UsageAmounts(**amounts, cost_usd=cost_usd)


def nano_to_usd(nano: int | None) -> float | None:
    """Convert nano-dollars to dollars, rounded to the nearest float."""
    return None if nano is None else float(nano / _NANO_PER_DOLLAR)


def _serialize_latency(report: LatencyReport) -> UsageLatency:
    overall = report.overall
    return UsageLatency(
        runs=overall.runs,
        duration_ms=overall.duration,
        queue_ms=overall.queue,
        median_total_tokens=report.median_tokens,
        median_cost_usd=nano_to_usd(report.median_cost),
        counted_since=report.counted_since,
        assistants=[
            AssistantLatency(stats.assistant_id, stats.runs, stats.duration, stats.queue)
            for stats in report.assistants
            if stats.assistant_id is not None
        ],
    )


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A table row: the usage of one group in one bucket."""

    since: datetime
    until: datetime
    group: UsageGroup
    sums: UsageSums


def build_usage_lines(report: UsageReport) -> Iterator[UsageLine]:
    """Yield the groups that have runs, bucket by bucket."""
    for index, (since, until) in enumerate(zip(report.edges, report.edges[1:], strict=False)):
        for group in report.groups:
            sums = group.series[index]
            if sums.runs:
                yield UsageLine(since, until, group, sums)
