"""Read rollups: exact sums over any number of runs or tool calls.

Rollups of runs are read by one field, between any edges in time. Whole days and hours come from the rollups, and
single runs are read where an edge cuts an hour (see `time_buckets.align_edges`). Every function sends one statement,
so that all of its numbers describe the same moment.

Units: `total_tokens` and all other `…_tokens` are tokens, `cost` is nano-dollars, `output_bytes` is bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from runs.models import Project
from runs.rollups.rollup_query import RollupQuery
from runs.rollups.runs import RUN_MEASURES, RUN_ROLLUPS
from runs.rollups.time_buckets import DAY, EARLIEST, HOUR, LATEST, Correction, TimeBuckets, align_edges
from runs.rollups.writer import RollupTable

ToolKey = tuple[str, str]  # type and name


# The column of each filter that rollups know, by the name of the filter.
_COLUMNS = {"status": "status", "model": "model", "assistant": "assistant_id", "error": "error_code"}


@dataclass(frozen=True, slots=True)
class RollupSource:
    """The rollups that sum runs by one column: by hour, by day, or both.

    The hourly rollup knows this column alone. The daily one may know other columns as well.
    """

    column: str
    hours: RollupTable | None
    days: RollupTable | None

    @classmethod
    def find(cls, column: str) -> RollupSource:
        """Return the rollups by a column: the hourly one, and the smallest daily one."""
        hours = next((rollup for rollup in RUN_ROLLUPS if rollup.key == ("hour", column)), None)
        days = [rollup for rollup in RUN_ROLLUPS if rollup.key[0] == "day" and column in rollup.key]
        return cls(column, hours, min(days, key=lambda rollup: len(rollup.key), default=None))


# By the name of the filter.
ROLLUP_SOURCES = {name: RollupSource.find(column) for name, column in _COLUMNS.items()}


class SqlPart(NamedTuple):
    """A statement that is part of a larger one, and its parameters."""

    sql: str
    params: list[Any]


class RunSums(NamedTuple):
    """Sums over runs: `cost` of those that have a price, and `unpriced_tokens` of the others."""

    runs: int
    tokens: int
    cost: int
    unpriced_tokens: int


_RUN_SUMS = ("runs", "total_tokens", "cost", "unpriced_tokens")

# Whole hours or days, by bucket.
_ALIGNED = """
    SELECT width_bucket({time}, %s::{type}[]) - 1 AS bucket, {key} AS key, {sums}
      FROM {table}, (SELECT %s::{type} AS start) AS second_bucket
     WHERE project_id = %s AND {time} >= %s AND {time} < %s {condition}
     GROUP BY 1, 2"""
# What `_ALIGNED` counts in the wrong bucket: added to the right one, subtracted from the wrong one.
_CORRECTED = """
    SELECT part.bucket, stretch.key, {signed_sums}
      FROM (SELECT correction.add_to, correction.subtract_from, {key} AS key, {sums}
              FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[])
                   AS correction (since, until, add_to, subtract_from)
              JOIN {table} ON project_id = %s AND {time} >= correction.since AND {time} < correction.until {condition}
             GROUP BY 1, 2, 3) AS stretch,
           LATERAL (VALUES (stretch.add_to, 1), (stretch.subtract_from, -1)) AS part (bucket, sign)
     WHERE part.bucket IS NOT NULL"""
# What a single run adds to each measure.
MEASURES_OF_RUN = {
    **{name: f"coalesce({name}, 0)" for name in RUN_MEASURES},
    "runs": "1",
    "unpriced_tokens": "CASE WHEN cost IS NULL THEN coalesce(total_tokens, 0) ELSE 0 END",
    "failed": "(status = 'failed')::int",
}


def sum_runs_by_field(project: Project, query: RollupQuery, field: str) -> dict[str | None, RunSums] | None:
    """Return the sums of the runs that match `query`, by their value of `field` (the name of a filter).

    Values without runs are left out. Return None if no rollup can answer.
    """
    source = ROLLUP_SOURCES[field]
    if not _can_answer(source, field, query):
        return None
    part = select_run_sums(project, source, query.values, _edges_of(query), dict.fromkeys(_RUN_SUMS, 0))
    sums = ", ".join(f"sum({name})" for name in _RUN_SUMS)
    rows = _fetch(f"SELECT key, {sums} FROM ({part.sql}) AS part GROUP BY 1 HAVING sum(runs) <> 0", part.params)  # noqa: S608
    return {key: RunSums(*map(int, numbers)) for key, *numbers in rows}


def count_runs_by_status(
    project: Project, query: RollupQuery, buckets: TimeBuckets
) -> list[tuple[int, str, int]] | None:
    """Return how many runs match `query` as rows of bucket, status and count.

    Runs outside of all buckets are counted in the nearest one. Return None if no rollup can answer.
    """
    source = ROLLUP_SOURCES["status"]
    is_hourly = query.values.keys() <= {"status"} and buckets.has_whole_hours
    is_daily = buckets.has_whole_days and _can_answer_by_day(source, query)
    if not (is_hourly or is_daily):
        return None
    since, until = _edges_of(query)
    edges = (since, *(edge for edge in buckets.edges[1:-1] if since < edge < until), until)
    first = sum(edge <= since for edge in buckets.edges[1:-1])
    use_days = not is_hourly or buckets.step >= DAY
    part = select_run_sums(project, source, query.values, edges, {"runs": 0}, use_days=use_days)
    rows = _fetch(f"SELECT bucket, key, sum(runs) FROM ({part.sql}) AS part GROUP BY 1, 2", part.params)  # noqa: S608
    return [(bucket + first, status, int(runs)) for bucket, status, runs in rows if runs]


def count_runs(project: Project, query: RollupQuery) -> int | None:
    """Return how many runs match `query`; None if no rollup can answer."""
    field = next(iter(query.values), "status")
    by_value = sum_runs_by_field(project, query, field)
    return None if by_value is None else sum(sums.runs for sums in by_value.values())


def fetch_run_extent(project: Project) -> tuple[datetime, datetime] | None:
    """Return the beginning of the first hour and the end of the last hour with runs; None without any."""
    sql = "SELECT min(hour), max(hour) FROM rollup_hour_status WHERE project_id = %s"
    ((first, last),) = _fetch(sql, [project.pk])
    return None if first is None else (first, last + HOUR)


def select_run_sums(
    project: Project,
    source: RollupSource,
    values: Mapping[str, Iterable[str]],
    edges: Sequence[datetime],
    measures: Mapping[str, int | None],
    *,
    is_grouped: bool = True,
    use_days: bool = True,
) -> SqlPart:
    """Return SQL for the sums of runs between `edges`: rows of bucket, key and measures, several per bucket and key.

    Args:
        project: The project of the runs.
        source: The rollups to read. The key is the value of their column.
        values: The allowed values, by the name of the filter.
        edges: The edges of the buckets; `EARLIEST` and `LATEST` for no limit.
        measures: The names of the measures, each with the first bucket that it is read for: 0, 1, or None for no
            bucket. Where a measure is not read it is 0 or arbitrary. Adding up takes most of the time.
        is_grouped: If false, the key is NULL and groups are not distinguished.
        use_days: If false, read hourly sums only, if there are any. That is faster for buckets shorter than a day.
    """
    days = source.days if use_days or source.hours is None else None
    aligned = align_edges(edges, use_days=days is not None)
    condition = "".join(f" AND {ROLLUP_SOURCES[name].column} = ANY(%s)" for name in values)
    chosen = [sorted(allowed) for allowed in values.values()]
    key = source.column if is_grouped else "NULL::text"
    read = {name: f"sum({name})" if first is not None else "0" for name, first in measures.items()}

    # 1. Whole days, or whole hours of a field without daily sums.
    rollup, time, sql_type = (days, "day", "date") if days else (source.hours, "hour", "timestamptz")
    assert rollup is not None  # noqa: S101 - every source has one of both
    bounds = [_format_bound(edge, sql_type) for edge in aligned.edges]
    sums = {
        name: f"coalesce(sum({name}) FILTER (WHERE {time} >= second_bucket.start), 0)" if first else read[name]
        for name, first in measures.items()
    }
    sql = _ALIGNED.format(
        table=rollup.table, time=time, type=sql_type, key=key, sums=_as_columns(sums), condition=condition,
    )  # fmt: skip
    parts = [SqlPart(sql, [bounds, bounds[1], project.pk, bounds[0], bounds[-1], *chosen])]

    # 2. Whole hours at the edges of days.
    signed = ", ".join(f"part.sign * stretch.{name}" for name in measures)
    if aligned.hour_corrections:
        assert source.hours is not None  # noqa: S101 - only queries without times read days alone
        sql = _CORRECTED.format(
            table=source.hours.table, time="hour", key=key, sums=_as_columns(read), signed_sums=signed,
            condition=condition,
        )  # fmt: skip
        parts.append(SqlPart(sql, [*_as_arrays(aligned.hour_corrections), project.pk, *chosen]))

    # 3. Single runs at the edges of hours.
    if aligned.run_corrections:
        of_run = {name: "0" if first is None else f"sum({MEASURES_OF_RUN[name]})" for name, first in measures.items()}
        sql = _CORRECTED.format(
            table="run", time="created_at", key=key, sums=_as_columns(of_run), signed_sums=signed, condition=condition
        )
        parts.append(SqlPart(sql, [*_as_arrays(aligned.run_corrections), project.pk, *chosen]))
    return SqlPart(" UNION ALL ".join(part.sql for part in parts), [param for part in parts for param in part.params])


def _can_answer(source: RollupSource, field: str, query: RollupQuery) -> bool:
    """Return whether the rollups of `source` know all fields of `query` at its times."""
    return (source.hours is not None and query.values.keys() <= {field}) or _can_answer_by_day(source, query)


def _can_answer_by_day(source: RollupSource, query: RollupQuery) -> bool:
    """Return whether the daily rollup of `source` suffices."""
    if query.is_timed or source.days is None:
        return False
    return {_COLUMNS[name] for name in query.values} <= set(source.days.key)


def _edges_of(query: RollupQuery) -> tuple[datetime, datetime]:
    since = query.since or EARLIEST
    return since, max(query.until or LATEST, since)


def _format_bound(edge: datetime, sql_type: str) -> str:
    if edge == LATEST:
        return "infinity"
    return (edge.date() if sql_type == "date" else edge).isoformat()


def _as_columns(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())


def _as_arrays(corrections: Sequence[Correction]) -> list[list[Any]]:
    """Return the parameters of `unnest` in `_CORRECTED`."""
    return [
        [correction.since for correction in corrections],
        [correction.until for correction in corrections],
        [correction.add_to for correction in corrections],
        [correction.subtract_from for correction in corrections],
    ]


# --- tool calls


class ToolCallSums(NamedTuple):
    """Sums over the calls of one tool by one assistant in one bucket; None is a step without an assistant."""

    type: str
    name: str
    assistant_id: str | None
    bucket: int
    calls: int
    failed: int
    checked: int
    invalid: int
    last_hour: datetime


_TOOL_CALLS = """
    SELECT type, name, assistant_id, width_bucket(hour, %s::timestamptz[]) - 1,
           sum(calls)::bigint, sum(failed)::bigint, sum(checked)::bigint, sum(invalid_calls)::bigint, max(hour)
      FROM rollup_hour_tool
     WHERE project_id = %s AND hour >= %s {condition}
     GROUP BY 1, 2, 3, 4 HAVING sum(calls) > 0"""
# The sums of an hour may be 0 after a run was deleted, so the last hour is searched backwards.
_LAST_CALLS = """
    SELECT tool.type, tool.name, (
             SELECT hour FROM rollup_hour_tool AS sums
              WHERE sums.project_id = %s AND sums.name = tool.name AND sums.type = tool.type
              GROUP BY hour HAVING sum(calls) > 0 ORDER BY hour DESC LIMIT 1)
      FROM unnest(%s::text[], %s::text[]) AS tool (type, name)"""


def fetch_tool_call_sums(project: Project, buckets: TimeBuckets, tool: ToolKey | None = None) -> list[ToolCallSums]:
    """Return the sums of all calls since the first bucket, of all tools or of one.

    The edges of `buckets` must be full hours. Calls after the last bucket are counted in it.
    """
    sql = _TOOL_CALLS.format(condition="" if tool is None else "AND type = %s AND name = %s")
    rows = _fetch(sql, [list(buckets.edges), project.pk, buckets.start, *(tool or ())])
    return [
        ToolCallSums(type_, name, assistant_id, buckets.clamp(bucket), *sums)
        for type_, name, assistant_id, bucket, *sums in rows
    ]


def fetch_last_call_hours(project: Project, tools: Iterable[ToolKey]) -> dict[ToolKey, datetime]:
    """Return the hour of the last call of each tool, without those that were never called."""
    keys = list(tools)
    if not keys:
        return {}
    types, names = zip(*keys, strict=True)
    rows = _fetch(_LAST_CALLS, [project.pk, list(types), list(names)])
    return {(type_, name): hour for type_, name, hour in rows if hour is not None}


def _fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
