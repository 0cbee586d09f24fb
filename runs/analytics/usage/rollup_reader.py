"""Sums of runs by part of a time and by group: from the rollups where they know what is asked, or run by run.

Either way it is one statement, so that all its numbers are of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from runs.analytics import recent_sample
from runs.analytics.usage.query import SPLIT_FIELDS, UsageQuery, UsageSplit
from runs.models import DayByAssistant, DayByModel, HourByAssistant, HourByModel, HourByStatus, Project, Run
from runs.models.rollup import RunRollup as Rollup
from runs.query import RunFilters
from runs.rollups.rollup_ranges import Cover, Shift, cover_edges

# More would keep the page waiting: each is read one by one.
MAX_COUNTED_USAGE_RUNS = 20_000


class UsageSums(NamedTuple):
    """What some runs add up to. `cached_tokens` are among those of the prompt, `reasoning_tokens` of the completion.

    `cost` is in nano-dollars; `unpriced_tokens` are the total tokens of runs that have none.
    """

    runs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: int = 0
    unpriced_tokens: int = 0


NO_USAGE = UsageSums()


def add_usage_sums(parts: Iterable[UsageSums]) -> UsageSums:
    """All of them together."""
    return UsageSums(*map(sum, zip(NO_USAGE, *parts, strict=True)))


@dataclass(frozen=True, slots=True)
class UsageSelection:
    """Which sums are read, of now, of the time before and of each part of now; the others are 0, and cost nothing.

    The time before is left alone where nothing of it is wanted.
    """

    current: tuple[str, ...] = UsageSums._fields
    previous: tuple[str, ...] = UsageSums._fields
    series: tuple[str, ...] = UsageSums._fields


SELECT_ALL_SUMS = UsageSelection()


@dataclass
class UsageRow:
    """The sums of one group, or of all behind the first ones where it `is_rest`; `series` by the part of the time."""

    key: str | None
    is_rest: bool
    current: UsageSums = NO_USAGE
    previous: UsageSums = NO_USAGE
    series: dict[int, UsageSums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Rows in order of their measure, and the number of groups before all but the first became one row.

    `counted_since` is where counting begins, None if at the start of the time.
    """

    rows: list[UsageRow]
    group_count: int
    counted_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RollupSource:
    """A field by which there are sums: of hours, and perhaps of days too."""

    column: str
    hours: type[Rollup]
    days: type[Rollup] | None


ROLLUP_SOURCES = {
    "model": RollupSource("model", HourByModel, DayByModel),
    "assistant": RollupSource("assistant_id", HourByAssistant, DayByAssistant),
    "status": RollupSource("status", HourByStatus, DayByModel),
}
MEASURE_COLUMNS = {"tokens": "total_tokens", "cost": "cost", "runs": "runs"}
_OF_RUN = {name: f"coalesce({name}, 0)" for name in UsageSums._fields} | {
    "runs": "1",
    "unpriced_tokens": "CASE WHEN cost IS NULL THEN coalesce(total_tokens, 0) ELSE 0 END",
}
_READ = tuple(name for name in UsageSums._fields if name not in ("runs", "unpriced_tokens"))
_OF_SUMS = {name: name for name in UsageSums._fields}
_COLUMNS = ", ".join(UsageSums._fields)

# Whole hours, or days, by the part that they were moved to.
_WHOLE = """
    SELECT width_bucket({time}, %s::{type}[]) - 1, {key}, {sums}
      FROM {table}, (SELECT %s::{type} AS now) AS bound
     WHERE project_id = %s AND {time} >= %s AND {time} < %s {condition} GROUP BY 1, 2"""
# What was moved into the wrong part, once for the right one and once against it.
_SHIFTED = """
    SELECT part.place, found.key, {signed}
      FROM (SELECT shift.plus, shift.minus, {key} AS key, {sums}
              FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[])
                   AS shift (since, until, plus, minus)
              JOIN {table} ON project_id = %s AND {time} >= shift.since AND {time} < shift.until {condition}
             GROUP BY 1, 2, 3) AS found,
           LATERAL (VALUES (found.plus, 1), (found.minus, -1)) AS part (place, sign)
     WHERE part.place IS NOT NULL"""
_ONE_BY_ONE = """
    SELECT width_bucket(created_at, %s::timestamptz[]) - 1, {key}, {sums}
      FROM ({matches}) AS matches WHERE place <= %s GROUP BY 1, 2"""
# The first groups by what they come to now (place 0 is the time before), and all others as one: now, before, and
# in each part.
_RANKED = """
    WITH cells AS (
        SELECT place, place > 0 AS is_now, key, {sums} FROM ({pieces}) AS pieces (place, key, {columns})
         GROUP BY 1, 2, 3 HAVING sum(runs) <> 0),
    keyed AS (
        SELECT key, sum({measure}) FILTER (WHERE is_now) AS weight, sum(runs) FILTER (WHERE is_now) AS present
          FROM cells GROUP BY key),
    first AS (
        SELECT array(SELECT key FROM keyed
                      ORDER BY weight DESC NULLS LAST, present DESC NULLS LAST, key LIMIT %s) AS keys,
               (SELECT count(*) FROM keyed WHERE present > 0) AS groups),
    ranked AS (SELECT cells.*, array_position(first.keys, key) AS rank, first.groups FROM cells, first)
    SELECT {place}, is_now, rank, CASE WHEN rank IS NOT NULL THEN min(key) END, max(groups), {shown}
      FROM ranked GROUP BY GROUPING SETS ((is_now, rank){parts})
    HAVING is_now IS NOT NULL OR {place} > 0
     ORDER BY rank NULLS LAST"""


def find_rollup_source(filters: RunFilters, split: UsageSplit | None) -> RollupSource | None:
    """Where the sums of `split` (None: of all in one) under `filters` are; None where nobody keeps them."""
    active = filters.active
    name = split.name if split else next(iter(active), "status")
    return ROLLUP_SOURCES[name] if name in SPLIT_FIELDS and active in ([], [name]) else None


def fetch_usage_table(
    project: Project,
    question: UsageQuery,
    edges: Sequence[datetime],
    split: UsageSplit | None,
    most: int,
    wanted: UsageSelection = SELECT_ALL_SUMS,
) -> UsageTable:
    """The sums of each part between `edges` and each of the first `most` groups of `split`, and of all others as one.

    Part 0 is the time before, which has no say in which groups are the first.
    """
    kept = find_rollup_source(question.filters, split)
    if kept:
        pieces = list(_kept(project, question.filters, kept, edges, wanted, grouped=split is not None))
        return UsageTable(*_ranked(question, pieces, most, wanted, has_parts=len(edges) > 3))
    filters = question.filters_within(edges[0], edges[-1])
    pieces = [_counted(project, filters, edges, split)]
    found, groups = _ranked(question, pieces, most, wanted, has_parts=len(edges) > 3)
    is_full = sum(each.current.runs + each.previous.runs for each in found) >= MAX_COUNTED_USAGE_RUNS
    return UsageTable(found, groups, _oldest(project, filters) if is_full else None)


def _ranked(
    question: UsageQuery, pieces: Sequence[SqlPart], most: int, wanted: UsageSelection, *, has_parts: bool
) -> tuple[list[UsageRow], int]:
    statement = _RANKED.format(
        sums=_sums(_OF_SUMS),
        columns=_COLUMNS,
        pieces=" UNION ALL ".join(piece.sql for piece in pieces),
        measure=MEASURE_COLUMNS[question.measure],
        shown=", ".join(_shown(name, wanted) for name in UsageSums._fields),
        place="place" if has_parts else "NULL::int",
        parts=", (place, rank)" if has_parts else "",
    )
    parameters = [each for piece in pieces for each in piece.parameters]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, most])
        rows = cursor.fetchall()
    return _gathered(rows, wanted), max((row[4] for row in rows), default=0)


def _shown(name: str, wanted: UsageSelection) -> str:
    return f"sum({name})" if name in wanted.series else f"CASE WHEN is_now IS NOT NULL THEN sum({name}) END"


def _gathered(rows: Iterable[Sequence[Any]], wanted: UsageSelection) -> list[UsageRow]:
    """Rows of parts and of times, by their group."""
    found: dict[int | None, UsageRow] = {}
    for place, is_now, rank, key, _, *values in rows:
        group = found.get(rank)
        if group is None:
            group = found[rank] = UsageRow(key, rank is None)
        sums = UsageSums._make([0 if value is None else int(value) for value in values])
        if is_now is None:
            group.series[place] = sums
        elif is_now:
            group.current = sums
        else:
            group.previous = sums._replace(**dict.fromkeys(set(UsageSums._fields) - set(wanted.previous), 0))
    return list(found.values())


class SqlPart(NamedTuple):
    """A statement for a part of the sums, with its parameters."""

    sql: str
    parameters: list[Any]


def _kept(
    project: Project,
    filters: RunFilters,
    source: RollupSource,
    edges: Sequence[datetime],
    wanted: UsageSelection,
    *,
    grouped: bool,
) -> Iterator[SqlPart]:
    """From the rollups: whole units, then what is to be set right."""
    way = cover_edges(edges, days=source.days is not None)
    values = next((list(getattr(filters, name)) for name in filters.active), None)
    condition = "" if values is None else f"AND {source.column} = ANY(%s)"
    chosen = [] if values is None else [values]
    words = {
        "key": source.column if grouped else "NULL::text",
        "condition": condition,
        "sums": _sums(_OF_SUMS),
        "signed": ", ".join(f"part.sign * found.{name}" for name in UsageSums._fields),
    }
    yield _whole(project, source, way, words, chosen, wanted)
    if way.of_hours:
        sql = _SHIFTED.format(**words, table=source.hours._meta.db_table, time="hour")
        yield SqlPart(sql, [*_shifts(way.of_hours), project.pk, *chosen])
    if way.of_runs:
        sql = _SHIFTED.format(**words | {"sums": _sums(_OF_RUN)}, table="run", time="created_at")
        yield SqlPart(sql, [*_shifts(way.of_runs), project.pk, *chosen])


def _whole(
    project: Project, source: RollupSource, way: Cover, words: dict[str, str], chosen: list[Any], wanted: UsageSelection
) -> SqlPart:
    rollup, time, kind = (source.days, "day", "date") if source.days else (source.hours, "hour", "timestamptz")
    bounds = [bound.date() if source.days else bound for bound in way.bounds]
    sums = ", ".join(_of_whole(name, time, wanted) for name in UsageSums._fields)
    sql = _WHOLE.format(**words | {"sums": sums}, table=rollup._meta.db_table, time=time, type=kind)
    return SqlPart(sql, [bounds, bounds[1], project.pk, bounds[0], bounds[-1], *chosen])


def _of_whole(name: str, time: str, wanted: UsageSelection) -> str:
    """Adding up is most of the work, so what nobody wants to know is left out."""
    if name in wanted.previous:
        return f"sum({name})"
    return f"coalesce(sum({name}) FILTER (WHERE {time} >= bound.now), 0)" if name in wanted.current else "0"


def _shifts(shifts: Sequence[Shift]) -> list[list[Any]]:
    return [[getattr(shift, name) for shift in shifts] for name in ("since", "until", "plus", "minus")]


def _sums(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"sum({expression}) AS {name}" for name, expression in expressions.items())


def _counted(project: Project, filters: RunFilters, edges: Sequence[datetime], split: UsageSplit | None) -> SqlPart:
    """From the newest `MOST_COUNTED` runs that match."""
    is_keyed = split is not None and split.key is not None
    column = "metadata" if is_keyed else ROLLUP_SOURCES[split.name].column if split else "status"
    matches, parameters = recent_sample.build_recent_runs_sql(project, filters, MAX_COUNTED_USAGE_RUNS, column, *_READ)
    key = "metadata ->> %s" if is_keyed else column if split else "NULL::text"
    sql = _ONE_BY_ONE.format(key=key, sums=_sums(_OF_RUN), matches=matches)
    keys = [split.key] if split and is_keyed else []
    return SqlPart(sql, [list(edges), *keys, *parameters, MAX_COUNTED_USAGE_RUNS])


def _oldest(project: Project, filters: RunFilters) -> datetime | None:
    """When the oldest that was counted was created; None where that is the oldest of all."""
    found = filters.apply(Run.objects.in_project(project)).newest_first().values_list("created_at", flat=True)
    last = list(found[MAX_COUNTED_USAGE_RUNS - 1 : MAX_COUNTED_USAGE_RUNS + 1])
    return last[0] if len(last) > 1 else None
