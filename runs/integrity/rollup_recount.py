"""Count rollups again, day by day, and correct those that differ.

Each day is compared in one snapshot. Every writer changes records and rollups in the same transaction, so the
difference in a snapshot is exact, whatever is written meanwhile, and appending it corrects the sums for all time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
from django.db import OperationalError, connection
from django.db.models import F

from runs.db import sql
from runs.db.snapshots import read_snapshot
from runs.errors import TooManyRetries
from runs.models import Project, Run, RunStep
from runs.models.run_step import HAS_TOOL_CALLS
from runs.rollups.compaction import ALL_ROLLUPS
from runs.rollups.runs import RunGroup, new_run_deltas
from runs.rollups.time_buckets import DAY
from runs.rollups.tool_calls import StoredCalls, ToolCallValidation, new_tool_call_deltas
from runs.rollups.writer import RollupDeltas, RollupTable

_MAX_ATTEMPTS = 5
_ROWS_PER_FETCH = 2000
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
_RUN_FIELDS = ("created_at", *RunGroup._fields[1:], *_USAGE, "cost")
_STEP_FIELDS = (*StoredCalls._fields, "invalid_calls", "tool_outputs")
_DAYS = """
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day FROM run WHERE project_id = %(project)s
    UNION SELECT (created_at AT TIME ZONE 'UTC')::date FROM run_step
           WHERE project_id = %(project)s AND tool_types <> '{{}}'
    {rollups} ORDER BY day"""
_AT_UTC = " AT TIME ZONE 'UTC'"
_STORED = """
    SELECT {key}, {sums} FROM {table} WHERE project_id = %s AND {period} >= %s AND {period} < %s GROUP BY {key}"""

Sums = dict[tuple[Any, ...], Sequence[int]]


@dataclass(frozen=True, slots=True)
class DayDifference:
    """The keys of a rollup whose sums differ from a recount of one day, with what has to be added to each."""

    rollup: RollupTable
    day: date
    corrections: Sums


def find_rollup_days(project: Project) -> list[date]:
    """Return the UTC days on which there are runs, tool calls or rows of rollups."""
    parts = (
        f"UNION SELECT ({rollup.key[0]}{'' if rollup.is_daily else _AT_UTC})::date FROM {rollup.table}"  # noqa: S608
        " WHERE project_id = %(project)s"
        for rollup in ALL_ROLLUPS
    )
    with connection.cursor() as cursor:
        cursor.execute(_DAYS.format(rollups=" ".join(parts)), {"project": project.pk})
        return [row[0] for row in cursor.fetchall()]


def check_rollup_day(project: Project, day: date) -> list[DayDifference]:
    """Return how the rollups of a day differ from a recount."""
    with read_snapshot():
        return _compare_day(project, day)


def repair_rollup_day(project: Project, day: date) -> list[DayDifference]:
    """Correct the rollups of a day, and return how they differed. Writers need not wait.

    Raises TooManyRetries if others keep repairing, or deleting in, the same project.
    """
    for _ in range(_MAX_ATTEMPTS):
        try:
            with read_snapshot():
                differences = _compare_day(project, day)
                if differences:
                    # In this isolation level, of two repairs of the same project the later one fails here.
                    Project.objects.filter(pk=project.pk).update(deletion_count=F("deletion_count"))
                for difference in differences:
                    rows = [(project.pk, *key, *sums) for key, sums in difference.corrections.items()]
                    sql.copy_rows(difference.rollup.table, difference.rollup.columns, rows)
                return differences
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.SerializationFailure):
                raise
    raise TooManyRetries("Others keep changing the project. Try again.")


def _compare_day(project: Project, day: date) -> list[DayDifference]:
    recounts: tuple[tuple[RollupDeltas[Any], Callable[..., None]], ...] = (
        (new_run_deltas(), _count_runs),
        (new_tool_call_deltas(), _count_tool_calls),
    )
    differences: list[DayDifference] = []
    for deltas, count in recounts:
        count(deltas, project, day)
        differences += (
            DayDifference(rollup, day, corrections)
            for rollup in deltas.rollups
            if (corrections := _subtract(deltas.sum_by_key(rollup), _fetch_stored(project, rollup, day)))
        )
    return differences


def _count_runs(deltas: RollupDeltas[Any], project: Project, day: date) -> None:
    since = datetime.combine(day, time(), UTC)
    runs = Run.objects.in_project(project).filter(created_at__gte=since, created_at__lt=since + DAY).order_by()
    for run in runs.only("id", *_RUN_FIELDS).iterator(_ROWS_PER_FETCH):
        deltas.add(None, run)


def _count_tool_calls(deltas: RollupDeltas[Any], project: Project, day: date) -> None:
    since = datetime.combine(day, time(), UTC)
    steps = RunStep.objects.filter(HAS_TOOL_CALLS, project=project, created_at__gte=since, created_at__lt=since + DAY)
    for *stored, invalid_calls, sizes in steps.order_by().values_list(*_STEP_FIELDS).iterator(_ROWS_PER_FETCH):
        validation = None if invalid_calls is None else ToolCallValidation(invalid_calls, sizes)
        deltas.add(None, (StoredCalls(*stored), validation))


def _fetch_stored(project: Project, rollup: RollupTable, day: date) -> Sums:
    since: Any = day if rollup.is_daily else datetime.combine(day, time(), UTC)
    names = {
        "table": rollup.table,
        "period": rollup.key[0],
        "key": ", ".join(rollup.key),
        "sums": ", ".join(f"sum({name})" for name in rollup.measures),
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORED.format(**names), [project.pk, since, since + DAY])
        width = len(rollup.key)
        return {row[:width]: list(map(int, row[width:])) for row in cursor.fetchall()}


def _subtract(actual: Sums, stored: Sums) -> Sums:
    """Return what has to be added to `stored`, by key."""
    width = len(next(iter((actual or stored).values()), ()))
    nothing = [0] * width
    corrections = {
        key: [a - b for a, b in zip(actual.get(key, nothing), stored.get(key, nothing), strict=True)]
        for key in actual.keys() | stored.keys()
    }
    return {key: sums for key, sums in corrections.items() if any(sums)}
