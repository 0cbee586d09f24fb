"""How long runs took and how long they waited to start, over the newest ones that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.analytics.usage.query import UsageQuery
from runs.db import sql
from runs.models import Project, Run

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)
MAX_LATENCY_ASSISTANTS = 50
# Sorting them is the work; of so many the slowest hundredth are fifty.
MAX_LATENCY_RUNS = 5_000

_STATEMENT = """
    WITH found AS MATERIALIZED (
        SELECT *, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place FROM ({matches}) AS matches),
    counted AS NOT MATERIALIZED (SELECT * FROM found WHERE place <= %s)
    SELECT grouping(assistant_id) = 1, assistant_id, count(*),
           percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY duration_ms), max(duration_ms),
           percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY queue_ms), max(queue_ms),
           (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY total_tokens) FROM counted),
           (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY cost) FROM counted),
           min(created_at), (SELECT max(place) FROM found)
      FROM counted, LATERAL (SELECT (date_part('epoch', started_at - created_at) * 1000)::bigint) AS q (queue_ms)
     GROUP BY GROUPING SETS ((), (assistant_id))
     ORDER BY 1 DESC, 3 DESC, 2 LIMIT %s"""


@dataclass(frozen=True, slots=True)
class LatencyPercentiles:
    """Milliseconds that so great a share of runs did not exceed; None where none has any."""

    p50: int | None
    p75: int | None
    p90: int | None
    p95: int | None
    p99: int | None
    max: int | None


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """Of some ended runs: how many, from creation to the end, and from creation to the start."""

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


def fetch_latency(project: Project, question: UsageQuery) -> LatencyReport | None:
    """Of the newest `MOST_MEASURED` runs of the time that match and ended; None where none did. One statement."""
    runs = question.run_list_filters.apply(Run.objects.in_project(project)).ended()
    columns = ("assistant_id", "duration_ms", "total_tokens", "cost", "started_at")
    matches, parameters = sql.compile_query(
        runs.newest_first().values("created_at", "id", *columns)[: MAX_LATENCY_RUNS + 1]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT.format(matches=matches),
            [*parameters, MAX_LATENCY_RUNS, list(QUANTILES), list(QUANTILES), MAX_LATENCY_ASSISTANTS + 2],
        )
        whole, *rest = cursor.fetchall()
    if not whole[2]:
        return None
    tokens, cost, oldest, seen = whole[-4:]
    since = oldest if seen > MAX_LATENCY_RUNS else None
    shown = tuple(map(_paces, rest[:MAX_LATENCY_ASSISTANTS]))
    return LatencyReport(_paces(whole), shown, tokens, cost, since, len(rest) > MAX_LATENCY_ASSISTANTS)


def _paces(row: Sequence[Any]) -> LatencyStats:
    _, assistant_id, runs, durations, longest, queues, longest_queue, *_ = row
    return LatencyStats(assistant_id, runs, _percentiles(durations, longest), _percentiles(queues, longest_queue))


def _percentiles(values: Sequence[int | None] | None, longest: int | None) -> LatencyPercentiles:
    p50, p75, p90, p95, p99 = values or [None] * len(QUANTILES)
    return LatencyPercentiles(p50, p75, p90, p95, p99, longest)
