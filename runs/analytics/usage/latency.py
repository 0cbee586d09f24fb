"""The duration of the newest ended runs, and the time they waited to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.analytics.usage.query import UsageQuery
from runs.db import sql
from runs.models import Project, Run
from runs.models.first_start import find_first_start

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)
MAX_LATENCY_ASSISTANTS = 50
# Sorting takes most of the time. The slowest hundredth of this many runs is still fifty.
MAX_LATENCY_RUNS = 5_000

# Of all runs first, then by assistant. `newest` has one run more than are measured, which shows that there are more.
_LATENCY = """
    WITH newest AS MATERIALIZED (
        SELECT *, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place FROM ({matches}) AS matches),
    sample AS NOT MATERIALIZED (
        SELECT *, (date_part('epoch', first_started_at - created_at) * 1000)::bigint AS queue_ms
          FROM newest WHERE place <= %s)
    SELECT grouping(assistant_id) = 1 AS is_overall, assistant_id, count(*),
           percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY duration_ms), max(duration_ms),
           percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY queue_ms), max(queue_ms),
           (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY total_tokens) FROM sample),
           (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY cost) FROM sample),
           min(created_at),
           (SELECT max(place) FROM newest)
      FROM sample
     GROUP BY GROUPING SETS ((), (assistant_id))
     ORDER BY is_overall DESC, count(*) DESC, assistant_id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class LatencyPercentiles:
    """Percentiles in milliseconds, None if no run has a value."""

    p50: int | None
    p75: int | None
    p90: int | None
    p95: int | None
    p99: int | None
    max: int | None


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """The latency of the ended runs of an assistant, or of all with the id None.

    `duration` is the time from creation to the end, `queue` from creation to the first start, where that is known.
    """

    assistant_id: str | None
    runs: int
    duration: LatencyPercentiles
    queue: LatencyPercentiles


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Latency over all runs, and by assistant, the one with the most runs first.

    `counted_since` is the creation of the oldest run that was read, None if all were. `median_tokens` and `median_cost`
    (nano-dollars) are medians per run.
    """

    overall: LatencyStats
    assistants: tuple[LatencyStats, ...]
    median_tokens: int | None
    median_cost: int | None
    counted_since: datetime | None
    has_more_assistants: bool


def fetch_latency(project: Project, query: UsageQuery) -> LatencyReport | None:
    """Return the latency of the newest `MAX_LATENCY_RUNS` matching runs of the period that ended; one query.

    Return None if no run ended.
    """
    runs = query.run_list_filters.apply(Run.objects.in_project(project)).ended().newest_first()
    columns = ("created_at", "id", "assistant_id", "duration_ms", "total_tokens", "cost")
    rows = runs.values(*columns, first_started_at=find_first_start())
    matches, params = sql.compile_query(rows[: MAX_LATENCY_RUNS + 1])
    # One row for all runs, and one assistant more than are listed, which shows that there are more.
    max_rows = MAX_LATENCY_ASSISTANTS + 2
    with connection.cursor() as cursor:
        cursor.execute(
            _LATENCY.format(matches=matches),
            [*params, MAX_LATENCY_RUNS, list(QUANTILES), list(QUANTILES), max_rows],
        )
        overall, *assistants = cursor.fetchall()
    stats = _build_stats(overall)
    if not stats.runs:
        return None
    median_tokens, median_cost, oldest_at, newest_count = overall[-4:]
    return LatencyReport(
        overall=stats,
        assistants=tuple(map(_build_stats, assistants[:MAX_LATENCY_ASSISTANTS])),
        median_tokens=median_tokens,
        median_cost=median_cost,
        counted_since=oldest_at if newest_count > MAX_LATENCY_RUNS else None,
        has_more_assistants=len(assistants) > MAX_LATENCY_ASSISTANTS,
    )


def _build_stats(row: Sequence[Any]) -> LatencyStats:
    _, assistant_id, runs, durations, longest_duration, queue_times, longest_queue_time, *_ = row
    return LatencyStats(
        assistant_id,
        runs,
        _build_percentiles(durations, longest_duration),
        _build_percentiles(queue_times, longest_queue_time),
    )


def _build_percentiles(values: Sequence[int | None] | None, longest: int | None) -> LatencyPercentiles:
    p50, p75, p90, p95, p99 = values or [None] * len(QUANTILES)
    return LatencyPercentiles(p50, p75, p90, p95, p99, longest)
