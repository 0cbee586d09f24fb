"""Threads by their runs: which were active last, and what each of them comes to.

Nobody posts threads, so they are found by walking the newest runs; those that are known by messages alone
are not among them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.db import sql
from runs.db.keyset_pagination import Cursor
from runs.models import Project, Run
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.query import RunFilters

# A page of threads mostly has no more runs; more are looked at where it has.
FIRST_WINDOW = 1_000

# The runs of each thread are read along `run_thread`, so the cost is that of the runs that are counted.
_TOTALS = """
    SELECT asked.thread_id, totals.*
      FROM unnest(%s::text[]) WITH ORDINALITY AS asked (thread_id, nth),
           LATERAL (
             SELECT count(*) AS runs,
                    bool_or(capped),
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
                 SELECT *, count(*) OVER () > %s AS capped
                   FROM (
                     SELECT status, total_tokens, cost, created_at, ended_at, external_id, assistant_id, error_group_id,
                            row_number() OVER (ORDER BY created_at DESC, id DESC) AS place
                       FROM run
                      WHERE project_id = %s AND thread_id = asked.thread_id
                      ORDER BY created_at DESC, id DESC
                      LIMIT %s
                   ) AS newest
               ) AS counted
              WHERE place <= %s
           ) AS totals
     WHERE totals.runs > 0
     ORDER BY asked.nth"""

# One row at least, for the window. Heads are sorted before they are checked against earlier pages, since a
# page needs few of them.
_HEADS = """
    WITH seen AS MATERIALIZED ({newest}),
         last AS (SELECT created_at, id FROM seen ORDER BY created_at, id LIMIT 1),
         heads AS (
           SELECT * FROM (
             SELECT DISTINCT ON (thread_id) thread_id, created_at, id
               FROM seen ORDER BY thread_id, created_at DESC, id DESC
           ) AS latest
            ORDER BY created_at DESC, id DESC
         )
    SELECT (SELECT count(*) FROM seen), last.created_at, last.id,
           page.thread_id, page.created_at, page.id
      FROM last LEFT JOIN LATERAL (
             SELECT * FROM heads WHERE {unseen} ORDER BY heads.created_at DESC, heads.id DESC LIMIT %s
           ) AS page ON true
     ORDER BY page.created_at DESC, page.id DESC"""


# How many runs were looked at, the last of them, and a thread with its newest run.
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

    `next_cursor` is where the next page begins, None at the end. `is_window_full` says that the page ended early, since
    as many runs were read as may be.
    """

    ids: tuple[str, ...]
    next_cursor: Cursor | None
    is_window_full: bool


def fetch_thread_totals(project: Project, thread_ids: Sequence[str], most: int = MAX_SAMPLE_SIZE) -> list[ThreadTotals]:
    """The totals of those of the threads that have runs, in the same order; one query.

    Of each thread, no more than the newest `most` runs are counted.
    """
    terminal = sorted(TERMINAL_RUN_STATUSES)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, (list(thread_ids), terminal, most, project.pk, most + 1, most))
        return [_totals(*row) for row in cursor.fetchall()]


def _totals(
    thread_id: str, runs: int, capped: bool, failed: int, active: int, tokens: int | None, first_at: datetime,
    last_at: datetime, last_status: str, wrong_first: str | None, wrong_status: str | None,
    wrong_first_at: datetime | None, assistants: list[str], cost: int | None, unpriced: int,
) -> ThreadTotals:  # fmt: skip
    total = None if tokens is None else int(tokens)
    return ThreadTotals(
        thread_id, runs, capped, failed, active, total, first_at, last_at, last_status, wrong_first,
        wrong_status, wrong_first_at, tuple(assistants), None if cost is None else int(cost), unpriced,
    )  # fmt: skip


def fetch_recent_threads(
    project: Project, filters: RunFilters, after: Cursor | None, page_size: int, window: int = MAX_SAMPLE_SIZE
) -> RecentThreads:
    """The threads of the matching runs, by their newest matching run, found among `window` runs at most.

    A thread stands on the page of its newest matching run, so none is listed twice. One query, or two where
    few threads have very many runs.
    """
    first = _walk(project, filters, after, page_size, min(FIRST_WINDOW, window))
    return (
        _walk(project, filters, after, page_size, window) if first.is_window_full and window > FIRST_WINDOW else first
    )


def _walk(project: Project, filters: RunFilters, after: Cursor | None, page_size: int, window: int) -> RecentThreads:
    matching = filters.apply(Run.objects.in_project(project))
    found = matching.after(after).newest_first().values("thread_id", "created_at", "id")[:window]
    newest, parameters = sql.compile_query(found)
    unseen, unseen_parameters = _unseen(project, filters, after)
    with connection.cursor() as cursor:
        cursor.execute(_HEADS.format(newest=newest, unseen=unseen), (*parameters, *unseen_parameters, page_size + 1))
        rows = cursor.fetchall()
    return _page(rows, page_size, window)


def _unseen(project: Project, filters: RunFilters, after: Cursor | None) -> tuple[str, tuple[Any, ...]]:
    """The condition that a thread had no matching run on an earlier page."""
    if after is None:
        return "true", ()
    earlier = filters.apply(Run.objects.in_project(project)).up_to(after)
    probe = earlier.filter(thread_id=RawSQL("heads.thread_id", ())).values("id")[:1]
    statement, parameters = sql.compile_query(probe)
    # As a value, not as EXISTS, which the planner would turn into a join with all earlier runs.
    return f"({statement}) IS NULL", parameters


def _page(rows: Sequence[ThreadHeadRow], page_size: int, window: int) -> RecentThreads:
    if not rows:
        return RecentThreads((), None, is_window_full=False)
    seen, last_at, last_id = rows[0][:3]
    page = [(thread_id, Cursor(at, key)) for *_, thread_id, at, key in rows if thread_id is not None]
    ids = tuple(thread_id for thread_id, _ in page[:page_size])
    if len(page) > page_size:
        return RecentThreads(ids, page[page_size - 1][1], is_window_full=False)
    is_cut = seen >= window
    return RecentThreads(ids, Cursor(last_at, last_id) if is_cut else None, is_window_full=is_cut)
