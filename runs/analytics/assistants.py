"""The assistants of a project by what their runs come to.

Where nothing but time is asked for, numbers come from the sums of each hour, and the parts of hours at both ends are
counted: they are exact. Otherwise it is the newest matches that are counted, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from runs.analytics import recent_sample
from runs.models import Project
from runs.query import RunFilters
from runs.rollups.time_buckets import HOUR

# The busiest, so that a project with an assistant a customer has a page too.
MAX_ASSISTANTS = 1_000
# Of one assistant.
MAX_COUNTED_CONFIGURATIONS = 1_000
BAR_COUNT = 24

# Where exact numbers come from; both give the same columns.
_SUMS = """
    SELECT assistant_id, hour AS time, runs, total_tokens AS tokens, cost, unpriced_tokens AS unpriced, failed
      FROM rollup_hour_assistant WHERE project_id = %s AND hour >= %s AND hour < %s"""
_EDGE = """
    SELECT assistant_id, created_at AS time, 1 AS runs, total_tokens AS tokens, cost,
           CASE WHEN cost IS NULL THEN total_tokens END AS unpriced, (status = 'failed')::int AS failed
      FROM run WHERE project_id = %s AND created_at >= %s AND created_at < %s"""

# Sums of what was deleted are nothing.
_TOTALS = """
    SELECT assistant_id, sum(runs), sum(failed), sum(tokens), sum(cost), sum(unpriced), count(*) OVER ()
      FROM ({source}) AS source GROUP BY assistant_id HAVING sum(runs) > 0
     ORDER BY 2 DESC, 1 LIMIT %s"""
_BARS = """
    SELECT assistant_id, floor(extract(epoch FROM time - %s)::float8 / %s)::int, sum(runs)
      FROM ({source}) AS source WHERE assistant_id = ANY(%s) GROUP BY 1, 2"""
# The newest matches are read once, for everything. What they come to is small, so it is added up here.
_NEWEST = """
    WITH matches AS MATERIALIZED ({matches}),
         extent AS (SELECT count(*) AS seen, min(created_at) FILTER (WHERE place <= %s) AS first,
                           max(created_at) + interval '1 microsecond' AS until FROM matches)
    SELECT assistant_id,
           floor(extract(epoch FROM created_at - first)::float8 / extract(epoch FROM until - first)::float8 * %s)::int,
           count(*), count(*) FILTER (WHERE status = 'failed'), coalesce(sum(total_tokens), 0), coalesce(sum(cost), 0),
           coalesce(sum(total_tokens) FILTER (WHERE cost IS NULL), 0), bool_or(seen > %s)
      FROM matches, extent WHERE place <= %s GROUP BY 1, 2"""
_HOURS = "SELECT min(hour), max(hour) FROM rollup_hour_assistant WHERE project_id = %s"
_LAST = """
    SELECT asked.id, (SELECT created_at FROM run WHERE project_id = %s AND assistant_id = asked.id
                       ORDER BY created_at DESC LIMIT 1)
      FROM unnest(%s::text[]) AS asked (id)"""
# Those that have runs: a configuration stays when its runs are deleted.
_CONFIGURATIONS = """
    SELECT asked.id, (SELECT count(*) FROM (
               SELECT FROM configuration
                WHERE project_id = %s AND assistant_id = asked.id
                  AND EXISTS (SELECT FROM run WHERE configuration_id = configuration.id) LIMIT %s) AS found)
      FROM unnest(%s::text[]) AS asked (id)"""


@dataclass(frozen=True, slots=True)
class AssistantTotals:
    """What the runs of one assistant come to; `cost` in nano-dollars.

    `unpriced_tokens` are those of runs that nobody knows the cost of.
    """

    assistant_id: str
    runs: int
    failed: int
    tokens: int
    cost: int
    unpriced_tokens: int


AssistantBars = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class AssistantSource:
    """A statement for the rows that exact numbers are made of, and the time that they are from."""

    sql: str
    parameters: tuple[Any, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AssistantOverview:
    """The `count` assistants with runs in question: the busiest `MOST_ASSISTANTS` of them, by their runs.

    `is_capped`: the newest `newest.MOST_COUNTED` matches are counted only. `counted` are the bars of those.
    """

    totals: list[AssistantTotals]
    count: int = 0
    source: AssistantSource | None = None
    counted: AssistantBars = field(default_factory=dict)
    is_capped: bool = False


def fetch_assistant_overview(project: Project, filters: RunFilters, now: datetime) -> AssistantOverview:
    """What the runs that `filters` asks for come to, by assistant; two queries at most."""
    if set(filters.active) <= {"since", "until"}:
        return _from_sums(project, filters, now)
    return _from_newest(project, filters)


def fetch_assistant_bars(overview: AssistantOverview, assistant_ids: Sequence[str]) -> AssistantBars:
    """The runs over time of some that are in `overview`, in `BARS` equal parts; one query at most."""
    source = overview.source
    if source is None:
        return {assistant_id: overview.counted[assistant_id] for assistant_id in assistant_ids}
    found = {assistant_id: [0] * BAR_COUNT for assistant_id in assistant_ids}
    step = (source.until - source.since).total_seconds() / BAR_COUNT
    parameters = (source.since, step, *source.parameters, list(assistant_ids))
    for assistant_id, place, runs in _fetched(_BARS.format(source=source.sql), *parameters):
        # the sum of an hour stands at its beginning
        found[assistant_id][min(max(place, 0), BAR_COUNT - 1)] += int(runs)
    return found


def fetch_last_run_times(project: Project, assistant_ids: Sequence[str]) -> dict[str, datetime]:
    """When the newest run of each was created, whatever is asked for; one query."""
    found = _fetched(_LAST, project.pk, list(assistant_ids))
    return {assistant_id: at for assistant_id, at in found if at is not None}


def count_configurations(project: Project, assistant_ids: Sequence[str]) -> dict[str, int]:
    """How many configurations of each have runs, counted no further than one above the most; one query."""
    return dict(_fetched(_CONFIGURATIONS, project.pk, MAX_COUNTED_CONFIGURATIONS + 1, list(assistant_ids)))


def _from_sums(project: Project, filters: RunFilters, now: datetime) -> AssistantOverview:
    ((oldest, latest),) = _fetched(_HOURS, project.pk)
    if oldest is None:
        return AssistantOverview([])
    since = max(filters.since.resolve(now), oldest) if filters.since else oldest
    until = min(filters.until.resolve(now), latest + HOUR) if filters.until else latest + HOUR
    if since >= until:
        return AssistantOverview([])
    return _totals(_summed(project, since, until))


def _summed(project: Project, since: datetime, until: datetime) -> AssistantSource:
    """Whole hours from their sums, the parts of hours at both ends from their runs."""
    first, end = _next_hour(since), _hour(until)
    pieces = [(_EDGE, since, until)]
    if first < end:
        pieces = [(_EDGE, since, first), (_SUMS, first, end), (_EDGE, end, until)]
    pieces = [piece for piece in pieces if piece[1] < piece[2]]
    parameters = [each for _, *times in pieces for each in (project.pk, *times)]
    return AssistantSource(" UNION ALL ".join(sql for sql, *_ in pieces), tuple(parameters), since, until)


def _from_newest(project: Project, filters: RunFilters) -> AssistantOverview:
    most, columns = recent_sample.MAX_SAMPLE_SIZE, ("assistant_id", "status", "total_tokens", "cost")
    matches, parameters = recent_sample.build_recent_runs_sql(project, filters, most, *columns)
    rows = _fetched(_NEWEST.format(matches=matches), *parameters, most, BAR_COUNT, most, most)
    sums: dict[str, list[int]] = {}
    counted: AssistantBars = {}
    for assistant_id, place, *measures, _ in rows:
        before = sums.setdefault(assistant_id, [0] * len(measures))
        sums[assistant_id] = [a + int(b) for a, b in zip(before, measures, strict=True)]
        counted.setdefault(assistant_id, [0] * BAR_COUNT)[min(place, BAR_COUNT - 1)] += int(measures[0])
    found = (AssistantTotals(assistant_id, *measures) for assistant_id, measures in sums.items())
    totals = sorted(found, key=lambda each: (-each.runs, each.assistant_id))
    capped = any(row[-1] for row in rows)
    return AssistantOverview(totals[:MAX_ASSISTANTS], len(totals), counted=counted, is_capped=capped)


def _totals(source: AssistantSource) -> AssistantOverview:
    rows = _fetched(_TOTALS.format(source=source.sql), *source.parameters, MAX_ASSISTANTS)
    totals = [AssistantTotals(assistant_id, *(int(each or 0) for each in sums)) for assistant_id, *sums, _ in rows]
    return AssistantOverview(totals, rows[0][-1] if rows else 0, source)


def _hour(time: datetime) -> datetime:
    """The beginning of its hour, by UTC's clock."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _next_hour(time: datetime) -> datetime:
    """The beginning of the first hour that is not before it."""
    return time if _hour(time) == time else _hour(time) + HOUR


def _fetched(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
