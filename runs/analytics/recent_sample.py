"""The newest matches: what is counted where counting all of them would keep a page waiting."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from runs.db import sql
from runs.db.keyset_pagination import MISSING_SORT_VALUE, NEWEST_FIRST, Order
from runs.models import Project, Run
from runs.query import RunFilters
from runs.query.planner import QueryPlan

# Counting more would make a page wait for numbers that nobody reads to the last digit.
MAX_SAMPLE_SIZE = 10_000

_MEASURED = ("created_at", "status", "model", "assistant_id", "error_code", "duration_ms", "total_tokens", "cost")
SAMPLE_GROUPS = ("status", "model", "assistant_id", "error_code")

# `found` has one more than are counted, which tells that there are more. It is read in the order in which it was made.
_STATEMENT = """
    WITH found AS MATERIALIZED ({found}),
         counted AS MATERIALIZED (SELECT * FROM found LIMIT {most}),
         divided AS (
           SELECT {groups}, array_agg(floor(date_part('epoch', created_at))::bigint) AS seconds
             FROM counted GROUP BY {groups})
    SELECT (SELECT count(*) FROM found), count(*), count(*) FILTER (WHERE status = 'failed'),
           percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms),
           sum(total_tokens), sum(cost), sum(total_tokens) FILTER (WHERE cost IS NULL),
           min(created_at), max(created_at),
           ARRAY(SELECT id FROM found {order} LIMIT {first}),
           (SELECT json_agg(json_build_array({groups}, seconds)) FROM divided)
      FROM counted"""


@dataclass(frozen=True, slots=True)
class RecentSample:
    """Aggregates over the newest matches; `is_capped` says that there are more, or may be.

    Durations are milliseconds, None if no run has ended. `cost` is nano-dollars, None if no run has a price;
    `unpriced_tokens` are the tokens of runs without one. `groups` has numbers of runs by value for each of
    `SAMPLE_GROUPS`. `created_seconds` has the creation times of the runs of each status, in Unix time and in no order.
    `first_ids` are the ids of the first runs of a list of all matches, None if they are not known.
    """

    runs: int
    is_capped: bool
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    tokens: int | None
    cost: int | None
    unpriced_tokens: int
    oldest_at: datetime | None
    newest_at: datetime | None
    groups: Mapping[str, Mapping[str, int]]
    created_seconds: Mapping[str, list[int]]
    first_ids: list[uuid.UUID] | None


def fetch_recent_sample(
    project: Project, search: QueryPlan, most: int, order: Order = NEWEST_FIRST, first: int = 0
) -> RecentSample:
    """The newest matches of `search`, as many as `most`; one query, beside what the search takes to be directed.

    What it finds is what a list is made of, too: the `first` runs of one in `order` come along where they are known.
    """
    condition, bounded = search.build_count_condition()
    found, parameters = select_recent_runs(project, condition, most, _MEASURED)
    statement = _STATEMENT.format(
        found=found, most=int(most), first=int(first), order=_sorting(order), groups=", ".join(SAMPLE_GROUPS),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        newest = _newest(bounded, *cursor.fetchone())
    is_known = not newest.is_capped or (order == NEWEST_FIRST and (not bounded or len(newest.first_ids or ()) == first))
    return newest if is_known else replace(newest, first_ids=None)


def count_recent_by(project: Project, search: QueryPlan, most: int, column: str) -> tuple[dict[str, int], int, bool]:
    """The newest matches by the values of one column; how many they are, and whether there may be more."""
    condition, bounded = search.build_count_condition()
    found, parameters = select_recent_runs(project, condition, most, ("created_at", column))
    statement = f"""
        WITH found AS MATERIALIZED ({found})
        SELECT NULL, count(*) FROM found UNION ALL
        SELECT {column}, count(*) FROM (SELECT * FROM found LIMIT {int(most)}) AS counted
         WHERE {column} IS NOT NULL GROUP BY 1"""  # noqa: S608 - names of our own
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (_, seen), *rows = sorted(cursor.fetchall(), key=lambda row: row[0] is not None)
    return dict(rows), min(seen, most), bounded or seen > most


def build_recent_runs_sql(
    project: Project, filters: RunFilters, most: int, *columns: str
) -> tuple[str, tuple[Any, ...]]:
    """SQL and parameters for the newest matches, each with its `place` from 1; goes between parentheses.

    There is one more than `most`, which tells whether there are more, and counts for nothing else.
    """
    inner, parameters = select_recent_runs(
        project, filters.plan(project).build_page_condition(), most, ("created_at", *columns)
    )
    place = "row_number() OVER (ORDER BY created_at DESC, id DESC) AS place"
    return f"SELECT *, {place} FROM ({inner}) AS found", parameters  # noqa: S608 - the ORM's own


def select_recent_runs(
    project: Project, condition: Q, most: int, columns: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    """SQL and parameters for the newest runs of `condition`, one more than `most`, with their ids and those columns."""
    runs = Run.objects.in_project(project).filter(condition).newest_first()
    return sql.compile_query(runs.values("id", *columns)[: most + 1])


def _sorting(order: Order) -> str:
    """What puts the newest matches into `order`, in which they are already where it is that of time."""
    if order == NEWEST_FIRST:
        return ""
    way = "DESC" if order.descending else "ASC"
    if order.is_never_null:
        return f"ORDER BY {order.column} {way}, id {way}"
    times = ", ".join(f"CASE WHEN {order.column} IS NULL THEN {name} END DESC" for name in ("created_at", "id"))
    return f"ORDER BY coalesce({order.column}, {MISSING_SORT_VALUE}) {way}, {times}, id {way}"


def _newest(
    bounded: bool, seen: int, runs: int, failed: int, percentiles: list[int | None] | None, tokens: Any, cost: Any,
    unpriced: Any, oldest: datetime | None, newest: datetime | None, first: list[uuid.UUID],
    divided: list[tuple[Any, ...]] | None,
) -> RecentSample:  # fmt: skip
    p50, p95 = percentiles or (None, None)
    capped = bounded or seen > runs
    groups = {column: Counter[str]() for column in SAMPLE_GROUPS}
    created: defaultdict[str, list[int]] = defaultdict(list)
    for *values, seconds in divided or ():
        created[values[0]] += seconds
        for column, value in zip(SAMPLE_GROUPS, values, strict=True):
            if value is not None:
                groups[column][value] += len(seconds)
    return RecentSample(
        runs, capped, failed, p50, p95, _whole(tokens), _whole(cost), _whole(unpriced) or 0, oldest, newest,
        groups, created, first,
    )  # fmt: skip


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)
