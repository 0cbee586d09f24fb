"""The most recently active threads, and totals over the runs of threads.

Threads are not posted, so they are found by reading the newest runs. Threads with messages and without runs are not
among them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from runs.analytics.recent_sample import MAX_SAMPLE_SIZE, build_recent_runs_sql
from runs.db import sql
from runs.db.keyset_pagination import Cursor
from runs.models import Project, Run
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.query import RunFilters

# Few pages of threads need more runs.
FIRST_WINDOW = 1_000

# The runs of each thread are read from the index `run_thread`, so the time depends only on the runs that are counted.
# `place` counts from the newest run. Runs with an error group failed, ended incomplete or expired.
_TOTALS = """
    SELECT thread.id, totals.*
      FROM unnest(%s::text[]) WITH ORDINALITY AS thread (id, position),
           LATERAL (
             SELECT count(*) AS runs,
                    bool_or(is_capped),
                    count(*) FILTER (WHERE status = 'failed'),
                    count(*) FILTER (WHERE status <> ALL (%s)),
                    sum(total_tokens),
                    min(created_at),
                    max(greatest(created_at, ended_at)),
                    (array_agg(status ORDER BY place))[1],
                    (array_agg(external_id ORDER BY place DESC) FILTER (WHERE error_group_id IS NOT NULL))[1],
                    (array_agg(status ORDER BY place DESC) FILTER (WHERE error_group_id IS NOT NULL))[1],
                    min(created_at) FILTER (WHERE error_group_id IS NOT NULL),
                    array_agg(DISTINCT assistant_id),
                    sum(cost),
                    count(*) FILTER (WHERE cost IS NULL AND total_tokens > 0)
               FROM (
                 SELECT *, count(*) OVER () > %s AS is_capped
                   FROM (
                     SELECT status, total_tokens, cost, created_at, ended_at, external_id, assistant_id, error_group_id,
                            row_number() OVER (ORDER BY created_at DESC, id DESC) AS place
                       FROM run
                      WHERE project_id = %s AND thread_id = thread.id
                      ORDER BY created_at DESC, id DESC
                      LIMIT %s
                   ) AS newest
               ) AS counted
              WHERE place <= %s
           ) AS totals
     WHERE totals.runs > 0
     ORDER BY thread.position"""

# The head of a thread is its newest run in the window. Heads are sorted before they are checked against earlier pages,
# since a page needs few of them. There is at least one row, which has the size and the end of the window.
_HEADS = """
    WITH run_window AS MATERIALIZED ({newest}),
         last AS (SELECT created_at, id FROM run_window ORDER BY created_at, id LIMIT 1),
         heads AS (
           SELECT * FROM (
             SELECT DISTINCT ON (thread_id) thread_id, created_at, id
               FROM run_window ORDER BY thread_id, created_at DESC, id DESC
           ) AS latest
            ORDER BY created_at DESC, id DESC
         )
    SELECT (SELECT count(*) FROM run_window), last.created_at, last.id,
           page.thread_id, page.created_at, page.id
      FROM last LEFT JOIN LATERAL (
             SELECT * FROM heads WHERE {is_new} ORDER BY heads.created_at DESC, heads.id DESC LIMIT %s
           ) AS page ON true
     ORDER BY page.created_at DESC, page.id DESC"""

# The size of the window, its last run, and a thread with its head.
ThreadHeadRow = tuple[int, datetime, uuid.UUID, str | None, datetime, uuid.UUID]


@dataclass(frozen=True, slots=True)
class ThreadTotals:
    """Totals over the runs of a thread; if `is_capped`, over its newest ones only.

    `first_unsuccessful_run_id` is the first run that failed, ended incomplete or expired. `last_at` is the last
    creation or end of a run. `cost` is nano-dollars, None if no run has a price; `unpriced_runs` used tokens and have
    no price.
    """

    thread_id: str
    runs: int
    is_capped: bool
    failed: int
    active: int
    tokens: int | None
    first_at: datetime
    last_at: datetime
    last_status: str
    first_unsuccessful_run_id: str | None
    first_unsuccessful_status: str | None
    first_unsuccessful_at: datetime | None
    assistants: tuple[str, ...]
    cost: int | None
    unpriced_runs: int


@dataclass(frozen=True, slots=True)
class RecentThreads:
    """A page of the ids of threads, the one with the newest matching run first.

    `next_cursor` is where the next page begins, None at the end. `is_window_full` says that the page is incomplete
    because the limit of runs was reached.
    """

    ids: tuple[str, ...]
    next_cursor: Cursor | None
    is_window_full: bool


def fetch_thread_totals(
    project: Project, thread_ids: Sequence[str], max_runs: int = MAX_SAMPLE_SIZE
) -> list[ThreadTotals]:
    """Return the totals of threads in the same order, without those that have no runs; one query.

    Of each thread, the newest `max_runs` runs are counted.
    """
    terminal = sorted(TERMINAL_RUN_STATUSES)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, (list(thread_ids), terminal, max_runs, project.pk, max_runs + 1, max_runs))
        return [_build_totals(*row) for row in cursor.fetchall()]


def _build_totals(
    thread_id: str,
    runs: int,
    is_capped: bool,
    failed: int,
    active: int,
    tokens: int | None,
    first_at: datetime,
    last_at: datetime,
    last_status: str,
    first_unsuccessful_run_id: str | None,
    first_unsuccessful_status: str | None,
    first_unsuccessful_at: datetime | None,
    assistants: list[str],
    cost: int | None,
    unpriced_runs: int,
) -> ThreadTotals:
    return ThreadTotals(
        thread_id=thread_id,
        runs=runs,
        is_capped=is_capped,
        failed=failed,
        active=active,
        tokens=None if tokens is None else int(tokens),
        first_at=first_at,
        last_at=last_at,
        last_status=last_status,
        first_unsuccessful_run_id=first_unsuccessful_run_id,
        first_unsuccessful_status=first_unsuccessful_status,
        first_unsuccessful_at=first_unsuccessful_at,
        assistants=tuple(assistants),
        cost=None if cost is None else int(cost),
        unpriced_runs=unpriced_runs,
    )


def fetch_recent_threads(
    project: Project, filters: RunFilters, after: Cursor | None, page_size: int, window_size: int = MAX_SAMPLE_SIZE
) -> RecentThreads:
    """Return a page of the threads of matching runs, the one with the newest matching run first.

    At most `window_size` runs after the cursor are read. A thread is on the page of its newest matching run, so it is
    listed once. One query, or two if few threads have very many runs.
    """
    page = _fetch_page(project, filters, after, page_size, min(FIRST_WINDOW, window_size))
    if page.is_window_full and window_size > FIRST_WINDOW:
        return _fetch_page(project, filters, after, page_size, window_size)
    return page


@dataclass(frozen=True, slots=True)
class ThreadStatusCounts:
    """How many threads have a run of each status. `is_capped`: only the newest matching runs were read."""

    by_status: Mapping[str, int]
    is_capped: bool


def fetch_thread_status_counts(
    project: Project, filters: RunFilters, window_size: int = MAX_SAMPLE_SIZE
) -> ThreadStatusCounts:
    """Count the threads of the newest `window_size` matching runs by status, whatever statuses `filters` choose.

    One query, besides those that the plan needs.
    """
    newest, params = build_recent_runs_sql(project, replace(filters, status=()), window_size, "thread_id", "status")
    statement = f"""
        SELECT status, count(DISTINCT thread_id) FILTER (WHERE place <= %s), max(place) > %s
          FROM ({newest}) AS newest GROUP BY status"""  # noqa: S608 - compiled SQL
    with connection.cursor() as cursor:
        cursor.execute(statement, (window_size, window_size, *params))
        rows: list[tuple[str, int, bool]] = cursor.fetchall()
    return ThreadStatusCounts(
        {status: count for status, count, _ in rows if count}, is_capped=any(is_beyond for *_, is_beyond in rows)
    )


def _fetch_page(
    project: Project, filters: RunFilters, after: Cursor | None, page_size: int, window_size: int
) -> RecentThreads:
    matching = filters.apply(Run.objects.in_project(project))
    window = matching.after(after).newest_first().values("thread_id", "created_at", "id")[:window_size]
    newest, params = sql.compile_query(window)
    is_new, is_new_params = _build_is_new_condition(project, filters, after)
    with connection.cursor() as cursor:
        cursor.execute(_HEADS.format(newest=newest, is_new=is_new), (*params, *is_new_params, page_size + 1))
        rows: list[ThreadHeadRow] = cursor.fetchall()
    if not rows:
        return RecentThreads((), None, is_window_full=False)
    run_count, last_created_at, last_id = rows[0][:3]
    heads = [
        (thread_id, Cursor(created_at, run_id)) for *_, thread_id, created_at, run_id in rows if thread_id is not None
    ]
    ids = tuple(thread_id for thread_id, _ in heads[:page_size])
    if len(heads) > page_size:
        return RecentThreads(ids, heads[page_size - 1][1], is_window_full=False)
    if run_count >= window_size:
        return RecentThreads(ids, Cursor(last_created_at, last_id), is_window_full=True)
    return RecentThreads(ids, None, is_window_full=False)


def _build_is_new_condition(project: Project, filters: RunFilters, after: Cursor | None) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL condition that a thread had no matching run on an earlier page, and its parameters."""
    if after is None:
        return "true", ()
    earlier = filters.apply(Run.objects.in_project(project)).up_to(after)
    probe = earlier.filter(thread_id=RawSQL("heads.thread_id", ())).values("id")[:1]
    statement, params = sql.compile_query(probe)
    # Postgres would turn NOT EXISTS into a join with all earlier runs. A subquery as a value is run per row.
    return f"({statement}) IS NULL", params
