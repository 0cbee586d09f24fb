"""Tables of sums that are only ever added to: how rows get in, and how what has piled up is folded.

What is summed is said elsewhere: of runs in `runs.rollups.runs`, of tool calls in `runs.rollups.tool_calls`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from django.db import connection, models, transaction

from runs.db import sql
from runs.models import Project

# Rows a table that travel in the statement itself; more are copied, a statement a table.
_MOST_IN_STATEMENT = 16
# Parameters of a statement that adds what one run did; of more there are too many shapes for each to come again.
_WORTH_PREPARING = 50
_BYTES_A_ROW = 150  # with some room to spare
_IS_MOSTLY_EMPTY = """
    SELECT pg_relation_size(relid) > 131072 + %s * n_live_tup FROM pg_stat_user_tables WHERE relid = %s::regclass"""


@dataclass(frozen=True)
class RollupTable:
    """One table of sums: its key columns, the period first; its measures; and the key of a group of what is summed."""

    model: type[models.Model]
    key: tuple[str, ...]
    measures: tuple[str, ...]
    key_of: Callable[[Any], tuple[Any, ...]]

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> str:
        return ", ".join(("project_id", *self.key, *self.measures))


RecordT = TypeVar("RecordT")


class RollupDeltas(Generic[RecordT]):
    """What changes of records add to tables of sums: counted one by one, written all at once.

    `count` adds a record's measures to those of its groups, or with the sign -1 takes them away.
    """

    def __init__(
        self, rollups: Sequence[RollupTable], count: Callable[[dict[Any, list[int]], RecordT, int], None]
    ) -> None:
        self._rollups = rollups
        self._count = count
        self._groups: dict[Any, list[int]] = {}

    def add(self, before: RecordT | None, after: RecordT | None) -> None:
        """Count a record that was `before` a write and is `after` it; None: it was, or is, not there."""
        if before is not after:
            if before is not None:
                self._count(self._groups, before, -1)
            if after is not None:
                self._count(self._groups, after, 1)

    def add_all(self, changes: Iterable[tuple[RecordT | None, RecordT | None]]) -> Self:
        """Count what each record was before and is after."""
        for before, after in changes:
            self.add(before, after)
        return self

    def write(self, project: Project) -> None:
        """Write what was counted; belongs into the transaction that changed the records."""
        if self._groups:
            _append(project, self._rollups, self._groups)


def _append(project: Project, rollups: Sequence[RollupTable], groups: Mapping[Any, Sequence[int]]) -> None:
    rows = [_rows(project, rollup, groups) for rollup in rollups]
    if sum(map(len, rows)) > _MOST_IN_STATEMENT * len(rollups):
        for rollup, each in zip(rollups, rows, strict=True):
            sql.copy_rows(rollup.table, rollup.columns, each)
    elif any(rows):
        _insert([(rollup, each) for rollup, each in zip(rollups, rows, strict=True) if each])


def count_rollup_inserts(rollups: Sequence[RollupTable]) -> int:
    """How many rows were ever written to these tables, of all projects, as far as the server has counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # of what this session wrote
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins), 0)::bigint FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [[rollup.table for rollup in rollups]],
        )
        count: int = cursor.fetchone()[0]
        return count


def compact_rollups(project: Project, rollups: Sequence[RollupTable]) -> None:
    """Replace the rows of each key by one with their sum. Nothing that is read changes.

    Each table is folded by one process at a time; where another is at it, this one leaves it alone.
    """
    for rollup in rollups:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), %s)", [rollup.table, project.pk])
            if cursor.fetchone()[0]:
                cursor.execute(_fold_statement(rollup), [project.pk, project.pk])


def vacuum_rollups(rollups: Sequence[RollupTable], *, at_rest: bool) -> None:
    """Make room of the rows that were folded: for the next rows, and `at_rest` for others.

    Left to the server, the first would come a minute later and the other never. Rewriting a table keeps everybody
    out for some milliseconds, hence only where it is mostly empty.
    """
    with connection.cursor() as cursor:
        for rollup in rollups:
            cursor.execute(f"VACUUM (ANALYZE) {rollup.table}")  # which counts the rows, too
            cursor.execute(_IS_MOSTLY_EMPTY, [_BYTES_A_ROW, rollup.table])
            if at_rest and cursor.fetchone()[0]:
                cursor.execute("SET lock_timeout = '300ms'")  # who waits for it keeps all others waiting
                cursor.execute(f"VACUUM (FULL) {rollup.table}")
                cursor.execute("RESET lock_timeout")


def _rows(project: Project, rollup: RollupTable, groups: Mapping[Any, Sequence[int]]) -> list[tuple[Any, ...]]:
    deltas: dict[tuple[Any, ...], Sequence[int]] = {}
    for group, sums in groups.items():
        key = rollup.key_of(group)
        deltas[key] = list(map(operator.add, deltas[key], sums)) if key in deltas else sums
    return [(project.pk, *key, *sums) for key, sums in deltas.items() if any(sums)]


def _insert(filled: Sequence[tuple[RollupTable, list[tuple[Any, ...]]]]) -> None:
    """All tables in one statement, since a round trip costs more than a row."""
    inserts: list[str] = []
    parameters: list[Any] = []
    for rollup, rows in filled:
        values = sql.values_placeholders(len(rows[0]), len(rows), len(parameters))
        inserts.append(f"INSERT INTO {rollup.table} ({rollup.columns}) {values}")
        parameters += (value for row in rows for value in row)
    parts = ", ".join(f"part{place} AS ({insert})" for place, insert in enumerate(inserts[:-1]))
    statement = f"WITH {parts} {inserts[-1]}" if parts else inserts[-1]
    with sql.open_cursor(sql.NumberedCursor) as cursor:
        cursor.execute(statement, parameters, prepare=len(parameters) <= _WORTH_PREPARING)


def _fold_statement(rollup: RollupTable) -> str:
    """Takes away the rows of each period that has many a key, and puts back their sums, if anything is left."""
    table, period, keys = rollup.table, rollup.key[0], ", ".join(rollup.key)
    sums, names = ", ".join(f"sum({name})" for name in rollup.measures), rollup.columns
    return f"""
        WITH crowded AS (
            SELECT {period} FROM {table} WHERE project_id = %s
             GROUP BY {period} HAVING count(*) > 2 * count(DISTINCT ({keys}))),
        gone AS (
            DELETE FROM {table} WHERE project_id = %s AND {period} IN (SELECT {period} FROM crowded)
            RETURNING {names})
        INSERT INTO {table} ({names})
        SELECT project_id, {keys}, {sums} FROM gone GROUP BY project_id, {keys}
        HAVING {" OR ".join(f"sum({name}) <> 0" for name in rollup.measures)}"""  # noqa: S608
