"""The newest matching runs, which are read when aggregating all matches would delay a page."""

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

MAX_SAMPLE_SIZE = 10_000
# The columns whose values are counted.
SAMPLE_GROUPS = ("status", "model", "assistant_id", "error_code")

# `newest` has one run more than the limit, which shows that there are more. Its order is kept.
_SAMPLE = """
    WITH newest AS MATERIALIZED ({newest}),
         sample AS MATERIALIZED (SELECT * FROM newest LIMIT {limit}),
         grouped AS (
           SELECT {groups}, array_agg(floor(date_part('epoch', created_at))::bigint) AS seconds
             FROM sample GROUP BY {groups})
    SELECT (SELECT count(*) FROM newest),
           count(*),
           count(*) FILTER (WHERE status = 'failed'),
           percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms),
           sum(total_tokens),
           sum(cost),
           sum(total_tokens) FILTER (WHERE cost IS NULL),
           min(created_at),
           max(created_at),
           ARRAY(SELECT id FROM newest {order} LIMIT {first_count}),
           (SELECT json_agg(json_build_array({groups}, seconds)) FROM grouped)
      FROM sample"""


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
    project: Project, plan: QueryPlan, limit: int, order: Order = NEWEST_FIRST, first_count: int = 0
) -> RecentSample:
    """Return aggregates over the newest `limit` matches of `plan`; one query, besides those that the plan needs.

    The ids of the first `first_count` runs in `order` are included if the sample is certain to contain these runs.
    """
    condition, is_bounded = plan.build_count_condition()
    columns = ("created_at", *SAMPLE_GROUPS, "duration_ms", "total_tokens", "cost")
    newest, params = select_recent_runs(project, condition, limit, columns)
    statement = _SAMPLE.format(
        newest=newest,
        limit=int(limit),
        groups=", ".join(SAMPLE_GROUPS),
        order=_order_sample(order),
        first_count=int(first_count),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        sample = _build_sample(is_bounded, *cursor.fetchone())
    has_first = not is_bounded or len(sample.first_ids or ()) == first_count
    if not sample.is_capped or (order == NEWEST_FIRST and has_first):
        return sample
    return replace(sample, first_ids=None)


def count_recent_by(project: Project, plan: QueryPlan, limit: int, column: str) -> tuple[dict[str, int], int, bool]:
    """Count the newest `limit` matches by the values of one column.

    Return the numbers of runs by value, the number of all runs that were read, and whether there may be more.
    """
    condition, is_bounded = plan.build_count_condition()
    newest, params = select_recent_runs(project, condition, limit, ("created_at", column))
    statement = f"""
        WITH newest AS MATERIALIZED ({newest})
        SELECT NULL, count(*) FROM newest
         UNION ALL
        SELECT {column}, count(*) FROM (SELECT * FROM newest LIMIT {int(limit)}) AS sample
         WHERE {column} IS NOT NULL GROUP BY 1"""  # noqa: S608 - a constant name and compiled SQL
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        (_, newest_count), *counts = sorted(cursor.fetchall(), key=lambda row: row[0] is not None)
    return dict(counts), min(newest_count, limit), is_bounded or newest_count > limit


def build_recent_runs_sql(
    project: Project, filters: RunFilters, limit: int, *columns: str
) -> tuple[str, tuple[Any, ...]]:
    """Return SQL for the newest matches with these columns and their `place`, which counts from 1, and its parameters.

    There is one run more than `limit`, which shows that there are more.
    """
    condition = filters.plan(project).build_page_condition()
    newest, params = select_recent_runs(project, condition, limit, ("created_at", *columns))
    place = "row_number() OVER (ORDER BY created_at DESC, id DESC) AS place"
    return f"SELECT *, {place} FROM ({newest}) AS newest", params  # noqa: S608 - compiled SQL


def select_recent_runs(
    project: Project, condition: Q, limit: int, columns: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    """Return SQL for the ids and `columns` of the newest `limit + 1` runs of `condition`, and its parameters."""
    runs = Run.objects.in_project(project).filter(condition).newest_first()
    return sql.compile_query(runs.values("id", *columns)[: limit + 1])


def _order_sample(order: Order) -> str:
    """Return the ORDER BY that sorts the newest matches by `order`; they are sorted by time already."""
    if order == NEWEST_FIRST:
        return ""
    direction = "DESC" if order.descending else "ASC"
    if order.is_never_null:
        return f"ORDER BY {order.column} {direction}, id {direction}"
    newest_first = ", ".join(f"CASE WHEN {order.column} IS NULL THEN {name} END DESC" for name in ("created_at", "id"))
    return f"ORDER BY coalesce({order.column}, {MISSING_SORT_VALUE}) {direction}, {newest_first}, id {direction}"


def _build_sample(
    is_bounded: bool,
    newest_count: int,
    runs: int,
    failed: int,
    percentiles: list[int | None] | None,
    tokens: Any,
    cost: Any,
    unpriced_tokens: Any,
    oldest_at: datetime | None,
    newest_at: datetime | None,
    first_ids: list[uuid.UUID],
    grouped: list[tuple[Any, ...]] | None,
) -> RecentSample:
    groups = {column: Counter[str]() for column in SAMPLE_GROUPS}
    created_seconds: defaultdict[str, list[int]] = defaultdict(list)
    for *values, seconds in grouped or ():
        status = values[0]
        created_seconds[status] += seconds
        for column, value in zip(SAMPLE_GROUPS, values, strict=True):
            if value is not None:
                groups[column][value] += len(seconds)
    p50_ms, p95_ms = percentiles or (None, None)
    return RecentSample(
        runs=runs,
        is_capped=is_bounded or newest_count > runs,
        failed=failed,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        tokens=None if tokens is None else int(tokens),
        cost=None if cost is None else int(cost),
        unpriced_tokens=int(unpriced_tokens or 0),
        oldest_at=oldest_at,
        newest_at=newest_at,
        groups=groups,
        created_seconds=created_seconds,
        first_ids=first_ids,
    )
