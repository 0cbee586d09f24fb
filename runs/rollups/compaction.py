"""Compact rollups: replace the rows of a key by one with their sum, and reclaim the space."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection, transaction

from runs.models import Project
from runs.rollups.runs import RUN_ROLLUPS
from runs.rollups.tool_calls import TOOL_CALL_ROLLUPS
from runs.rollups.writer import RollupTable

ALL_ROLLUPS: tuple[RollupTable, ...] = (*RUN_ROLLUPS, *TOOL_CALL_ROLLUPS)
# One in this many writes compacts, which bounds the number of rows if no maintenance process runs.
_WRITES_PER_COMPACTION = 1000
# The size of a row and some room to spare; a table may have 128 KiB more.
_MAX_BYTES_PER_ROW = 150

_IS_MOSTLY_EMPTY = """
    SELECT pg_relation_size(relid) > 131072 + %s * n_live_tup FROM pg_stat_user_tables WHERE relid = %s::regclass"""
# Periods with more than twice as many rows as keys.
_CROWDED_PERIODS = """
    SELECT {period} FROM {table} WHERE project_id = %s
     GROUP BY {period} HAVING count(*) > 2 * count(DISTINCT ({key}))"""
_GIVEN_PERIODS = "SELECT unnest(%s::{period_type}[])"
# A key whose sums are all 0 is removed.
_COMPACT = """
    WITH deleted AS (DELETE FROM {table} WHERE {period} IN ({periods}) AND project_id = %s RETURNING {columns})
    INSERT INTO {table} ({columns})
    SELECT project_id, {key}, {sums} FROM deleted GROUP BY project_id, {key}
    HAVING {is_not_zero}"""


def compact_rollups(project: Project, rollups: Sequence[RollupTable] = ALL_ROLLUPS) -> None:
    """Replace the rows of each key by one with their sum. The sums that readers see do not change.

    A table that another process is compacting for this project is skipped.
    """
    for rollup in rollups:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), %s)", [rollup.table, project.pk])
            if cursor.fetchone()[0]:
                cursor.execute(_build_compaction(rollup, _CROWDED_PERIODS), [project.pk, project.pk])


def compact_hours(project: Project, rollups: Sequence[RollupTable], hours: Collection[datetime]) -> None:
    """Compact the rows of `hours`, and of their days, at once: no row is left of a key whose sums are 0.

    Call it in a transaction. It waits for another process that is compacting the same rollup.
    """
    days = sorted({hour.date() for hour in hours})
    for rollup in rollups:
        periods = days if rollup.is_daily else sorted(hours)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [rollup.table, project.pk])
            cursor.execute(_build_compaction(rollup, _GIVEN_PERIODS), [periods, project.pk])


def _build_compaction(rollup: RollupTable, periods: str) -> str:
    """Return the statement that replaces the rows of the selected periods."""
    names = {
        "table": rollup.table,
        "period": rollup.key[0],
        "period_type": "date" if rollup.is_daily else "timestamptz",
        "key": ", ".join(rollup.key),
        "columns": rollup.columns,
        "sums": ", ".join(f"sum({name})" for name in rollup.measures),
        "is_not_zero": " OR ".join(f"sum({name}) <> 0" for name in rollup.measures),
    }
    return _COMPACT.format(**names, periods=periods.format(**names))


def compact_rollups_occasionally(project: Project) -> None:
    """Compact the rollups of runs after one write in many.

    Chance decides which one, since writers do not know of each other.
    """
    if random.randrange(_WRITES_PER_COMPACTION) == 0:  # noqa: S311 - no secret
        compact_rollups(project, RUN_ROLLUPS)


def count_rollup_inserts(rollups: Sequence[RollupTable] = ALL_ROLLUPS) -> int:
    """Return how many rows of all projects were ever inserted into `rollups`, by the statistics of the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # includes what this session inserted
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins), 0)::bigint FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [[rollup.table for rollup in rollups]],
        )
        count: int = cursor.fetchone()[0]
        return count


def vacuum_rollups(*, is_idle: bool) -> None:
    """Make the space of compacted rows available to new rows and, if `is_idle`, return it to the operating system.

    Autovacuum would do the former a minute later and the latter never. Rewriting a table blocks all access for some
    milliseconds, so that is done only for tables that are mostly empty.
    """
    with connection.cursor() as cursor:
        for rollup in ALL_ROLLUPS:
            cursor.execute(f"VACUUM (ANALYZE) {rollup.table}")  # ANALYZE counts the rows for the next statement
            cursor.execute(_IS_MOSTLY_EMPTY, [_MAX_BYTES_PER_ROW, rollup.table])
            if is_idle and cursor.fetchone()[0]:
                # Waiting for this lock makes all later lock requests wait, too.
                cursor.execute("SET lock_timeout = '300ms'")
                cursor.execute(f"VACUUM (FULL) {rollup.table}")
                cursor.execute("RESET lock_timeout")
