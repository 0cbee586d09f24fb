"""The assistants of a project, with totals over their runs.

If only time is filtered, all numbers are exact, since rollups can answer. Otherwise the newest matching runs are
read, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from runs.analytics import recent_sample
from runs.models import Project
from runs.query import RunFilters
from runs.rollups.reader import ROLLUP_SOURCES, fetch_run_extent, select_run_sums
from runs.rollups.time_buckets import DAY, build_equal_edges

# A project may have one assistant per customer, so the list ends with the busiest ones.
MAX_ASSISTANTS = 1_000
# The maximum number of configurations that are counted for one assistant.
MAX_COUNTED_CONFIGURATIONS = 1_000
BAR_COUNT = 24

_MEASURES = ("runs", "failed", "total_tokens", "cost", "unpriced_tokens")
# Sums of deleted runs are 0.
_TOTALS = """
    SELECT key, {sums}, count(*) OVER ()
      FROM ({part}) AS part GROUP BY key HAVING sum(runs) > 0
     ORDER BY sum(runs) DESC, key LIMIT %s"""
_BARS = """
    SELECT key, bucket, sum(runs)
      FROM ({part}) AS part WHERE key = ANY(%s) GROUP BY 1, 2"""
# The newest matches are read once, for totals and bars. There are few groups, so they are added up here.
_RECENT = """
    WITH matches AS MATERIALIZED ({matches}),
         extent AS (
           SELECT count(*) AS matches,
                  min(created_at) FILTER (WHERE place <= %s) AS first,
                  max(created_at) + interval '1 microsecond' AS until
             FROM matches)
    SELECT assistant_id,
           floor(extract(epoch FROM created_at - first)::float8 / extract(epoch FROM until - first)::float8 * %s)::int,
           count(*),
           count(*) FILTER (WHERE status = 'failed'),
           coalesce(sum(total_tokens), 0),
           coalesce(sum(cost), 0),
           coalesce(sum(total_tokens) FILTER (WHERE cost IS NULL), 0),
           bool_or(extent.matches > %s)
      FROM matches, extent WHERE place <= %s GROUP BY 1, 2"""
_LAST_RUNS = """
    SELECT assistant.id, (SELECT created_at FROM run WHERE project_id = %s AND assistant_id = assistant.id
                           ORDER BY created_at DESC LIMIT 1)
      FROM unnest(%s::text[]) AS assistant (id)"""
# A configuration stays when its runs are deleted, so only those with runs are counted.
_CONFIGURATIONS = """
    SELECT assistant.id, (
             SELECT count(*) FROM (
               SELECT FROM configuration
                WHERE project_id = %s AND assistant_id = assistant.id
                  AND EXISTS (SELECT FROM run WHERE configuration_id = configuration.id) LIMIT %s) AS counted)
      FROM unnest(%s::text[]) AS assistant (id)"""


@dataclass(frozen=True, slots=True)
class AssistantTotals:
    """Totals over the runs of one assistant.

    `cost` is nano-dollars; `unpriced_tokens` are the tokens of runs without a price.
    """

    assistant_id: str
    runs: int
    failed: int
    tokens: int
    cost: int
    unpriced_tokens: int


# Numbers of runs in `BAR_COUNT` equal parts of time, by assistant.
AssistantBars = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class AssistantOverview:
    """The busiest `MAX_ASSISTANTS` of `count` assistants with matching runs, the busiest first.

    Exact totals cover the time from `since` to `until`. Otherwise both are None and `sample_bars` are the bars of
    the runs that were read; if `is_capped`, these are the newest `recent_sample.MAX_SAMPLE_SIZE` matches only.
    """

    project: Project
    totals: list[AssistantTotals]
    count: int = 0
    since: datetime | None = None
    until: datetime | None = None
    sample_bars: AssistantBars = field(default_factory=dict)
    is_capped: bool = False


def fetch_assistant_overview(project: Project, filters: RunFilters, now: datetime) -> AssistantOverview:
    """Return the totals of the runs that match `filters`, by assistant; at most two queries."""
    if set(filters.active_names) <= {"since", "until"}:
        return _fetch_from_rollups(project, filters, now)
    return _fetch_from_sample(project, filters)


def fetch_assistant_bars(overview: AssistantOverview, assistant_ids: Sequence[str]) -> AssistantBars:
    """Return the runs over time of some assistants of `overview`; at most one query."""
    if overview.since is None or overview.until is None:
        return {assistant_id: overview.sample_bars[assistant_id] for assistant_id in assistant_ids}
    edges = build_equal_edges(overview.since, overview.until, BAR_COUNT)
    use_days = overview.until - overview.since >= BAR_COUNT * DAY
    part = select_run_sums(overview.project, ROLLUP_SOURCES["assistant"], {}, edges, {"runs": 0}, use_days=use_days)
    bars = {assistant_id: [0] * BAR_COUNT for assistant_id in assistant_ids}
    for assistant_id, bucket, runs in _fetch(_BARS.format(part=part.sql), *part.params, list(assistant_ids)):
        bars[assistant_id][bucket] += int(runs)
    return bars


def fetch_last_run_times(project: Project, assistant_ids: Sequence[str]) -> dict[str, datetime]:
    """Return when the newest run of each assistant was created, whether it matches or not; one query."""
    rows = _fetch(_LAST_RUNS, project.pk, list(assistant_ids))
    return {assistant_id: created_at for assistant_id, created_at in rows if created_at is not None}


def count_configurations(project: Project, assistant_ids: Sequence[str]) -> dict[str, int]:
    """Return how many configurations of each assistant have runs; one query.

    Counting ends with `MAX_COUNTED_CONFIGURATIONS + 1`.
    """
    return dict(_fetch(_CONFIGURATIONS, project.pk, MAX_COUNTED_CONFIGURATIONS + 1, list(assistant_ids)))


def _fetch_from_rollups(project: Project, filters: RunFilters, now: datetime) -> AssistantOverview:
    extent = fetch_run_extent(project)
    if extent is None:
        return AssistantOverview(project, [])
    first, end = extent
    since = max(filters.since.resolve(now), first) if filters.since else first
    until = min(filters.until.resolve(now), end) if filters.until else end
    if since >= until:
        return AssistantOverview(project, [])
    part = select_run_sums(project, ROLLUP_SOURCES["assistant"], {}, (since, until), dict.fromkeys(_MEASURES, 0))
    sums = ", ".join(f"sum({name})" for name in _MEASURES)
    rows = _fetch(_TOTALS.format(part=part.sql, sums=sums), *part.params, MAX_ASSISTANTS)
    totals = [AssistantTotals(assistant_id, *map(int, numbers)) for assistant_id, *numbers, _ in rows]
    return AssistantOverview(project, totals, count=rows[0][-1] if rows else 0, since=since, until=until)


def _fetch_from_sample(project: Project, filters: RunFilters) -> AssistantOverview:
    limit, columns = recent_sample.MAX_SAMPLE_SIZE, ("assistant_id", "status", "total_tokens", "cost")
    matches, params = recent_sample.build_recent_runs_sql(project, filters, limit, *columns)
    rows = _fetch(_RECENT.format(matches=matches), *params, limit, BAR_COUNT, limit, limit)
    sums: dict[str, list[int]] = {}
    bars: AssistantBars = {}
    for assistant_id, bucket, *numbers, _ in rows:
        previous = sums.get(assistant_id, [0] * len(numbers))
        sums[assistant_id] = [a + int(b) for a, b in zip(previous, numbers, strict=True)]
        bars.setdefault(assistant_id, [0] * BAR_COUNT)[min(bucket, BAR_COUNT - 1)] += int(numbers[0])
    totals = [AssistantTotals(assistant_id, *numbers) for assistant_id, numbers in sums.items()]
    totals.sort(key=lambda total: (-total.runs, total.assistant_id))
    is_capped = any(row[-1] for row in rows)
    return AssistantOverview(project, totals[:MAX_ASSISTANTS], len(totals), sample_bars=bars, is_capped=is_capped)


def _fetch(statement: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
