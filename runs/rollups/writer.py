"""Append the changes of a transaction to rollups."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from django.db import models

from runs.db import sql
from runs.models import Project

# Rows per table that are sent in the statement itself. More are copied, with one statement per table.
_MAX_INSERTED_ROWS = 16
# Statements with more parameters have too many shapes for each to be worth preparing.
_MAX_PREPARED_PARAMS = 50

RecordT = TypeVar("RecordT")


@dataclass(frozen=True)
class RollupTable:
    """A rollup: its key columns, the period first, and its measures.

    `key_of` returns the values of the key columns for a group of records that are counted together, None for a group
    that this rollup does not count.
    """

    model: type[models.Model]
    key: tuple[str, ...]
    measures: tuple[str, ...]
    key_of: Callable[[Any], tuple[Any, ...] | None]

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.model._meta.db_table

    @property
    def is_daily(self) -> bool:
        """Return whether the periods are days. Those of other rollups are hours."""
        return self.key[0] == "day"

    @property
    def columns(self) -> str:
        """All columns as a list for SQL."""
        return ", ".join(("project_id", *self.key, *self.measures))


class RollupDeltas(Generic[RecordT]):
    """The differences that changes of records make to rollups: collected one by one, written all at once.

    `count` adds the measures of a record to those of its groups, multiplied by a sign: -1 takes them away.
    """

    def __init__(
        self, rollups: Sequence[RollupTable], count: Callable[[dict[Any, list[int]], RecordT, int], None]
    ) -> None:
        """Start without any differences."""
        self.rollups = rollups
        self._count = count
        self._groups: dict[Any, list[int]] = {}

    def add(self, before: RecordT | None, after: RecordT | None) -> None:
        """Add the change of a record; None stands for a record that does not exist."""
        if before is not after:
            if before is not None:
                self._count(self._groups, before, -1)
            if after is not None:
                self._count(self._groups, after, 1)

    def add_all(self, changes: Iterable[tuple[RecordT | None, RecordT | None]]) -> Self:
        """Add changes, each a record before and after it. Return the same object."""
        for before, after in changes:
            self.add(before, after)
        return self

    @property
    def hours(self) -> set[datetime]:
        """The hours in which anything differs. Every group begins with its hour."""
        return {group[0] for group in self._groups}

    def sum_by_key(self, rollup: RollupTable) -> dict[tuple[Any, ...], Sequence[int]]:
        """Return the differences of one rollup by key, without those that change nothing."""
        return _sum_by_key(rollup, self._groups)

    def write(self, project: Project) -> None:
        """Append the differences to the rollups. Call it in the transaction that changes the records."""
        filled = [(rollup, rows) for rollup in self.rollups if (rows := _build_rows(project, rollup, self._groups))]
        if sum(len(rows) for _, rows in filled) > _MAX_INSERTED_ROWS * len(self.rollups):
            for rollup, rows in filled:
                sql.copy_rows(rollup.table, rollup.columns, rows)
        elif filled:
            _insert(filled)


def _build_rows(project: Project, rollup: RollupTable, groups: Mapping[Any, Sequence[int]]) -> list[tuple[Any, ...]]:
    """Return one row per key of `rollup`, without those that change nothing."""
    return [(project.pk, *key, *sums) for key, sums in _sum_by_key(rollup, groups).items()]


def _sum_by_key(rollup: RollupTable, groups: Mapping[Any, Sequence[int]]) -> dict[tuple[Any, ...], Sequence[int]]:
    deltas: dict[tuple[Any, ...], Sequence[int]] = {}
    for group, sums in groups.items():
        key = rollup.key_of(group)
        if key is None:
            continue
        deltas[key] = list(map(operator.add, deltas[key], sums)) if key in deltas else sums
    return {key: sums for key, sums in deltas.items() if any(sums)}


def _insert(filled: Sequence[tuple[RollupTable, list[tuple[Any, ...]]]]) -> None:
    """Insert into all tables with one statement, since a round trip costs more than a row."""
    inserts: list[str] = []
    params: list[Any] = []
    for rollup, rows in filled:
        placeholders = sql.values_placeholders(len(rows[0]), len(rows), len(params))
        inserts.append(f"INSERT INTO {rollup.table} ({rollup.columns}) {placeholders}")
        params += (value for row in rows for value in row)
    parts = ", ".join(f"part{index} AS ({insert})" for index, insert in enumerate(inserts[:-1]))
    statement = f"WITH {parts} {inserts[-1]}" if parts else inserts[-1]
    with sql.open_cursor(sql.NumberedCursor) as cursor:
        cursor.execute(statement, params, prepare=len(params) <= _MAX_PREPARED_PARAMS)
