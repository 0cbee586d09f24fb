"""Keeping the rollups exact: what a change of a run adds to them, and folding what has piled up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connection, transaction

from runs import sql
from runs.models import DayByModel, HourByAssistant, HourByModel, HourByStatus, Project
from runs.models.rollup import Sums

MEASURES = (
    "runs",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost",
    "unpriced_tokens",
    "failed",
)
FAILED = "failed"
# A write folds once in so many, so that rows pile up to a few thousand at the most.
_FOLDS_ONE_IN = 50
# Rows that travel in the statement itself; more are copied.
_MOST_IN_STATEMENT = 64


class Counted(Protocol):
    """What the sums read of a run."""

    created_at: datetime
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None


class Group(NamedTuple):
    """What runs have in common that are counted together everywhere."""

    hour: datetime
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None


@dataclass(frozen=True)
class Rollup:
    """One table of sums: its key columns, and the key of a group of runs."""

    model: type[Sums]
    key: tuple[str, ...]
    key_of: Callable[[Group], tuple[Any, ...]]


ROLLUPS = (
    Rollup(
        DayByModel,
        ("day", "model", "status", "error_code"),
        lambda group: (group.hour.date(), group.model, group.status, group.error_code),
    ),
    Rollup(HourByModel, ("hour", "model"), lambda group: (group.hour, group.model)),
    Rollup(HourByAssistant, ("hour", "assistant_id"), lambda group: (group.hour, group.assistant_id)),
    Rollup(HourByStatus, ("hour", "status"), lambda group: (group.hour, group.status)),
)

# What a run was before a write (None: it was not there) and what it is after it.
Change = tuple[Counted | None, Counted | None]


def add(project: Project, changes: Iterable[Change]) -> None:
    """Add what `changes` did to the sums; belongs into the transaction that made them."""
    groups: dict[Group, list[int]] = {}
    for before, after in changes:
        if before is not after:
            _count(groups, before, -1)
            _count(groups, after, 1)
    rows = [_rows(project, rollup, groups) for rollup in ROLLUPS]
    if sum(map(len, rows)) > _MOST_IN_STATEMENT:
        for rollup, each in zip(ROLLUPS, rows, strict=True):
            _copy(rollup, each)
    elif any(rows):
        _insert(rows)


def fold_sometimes(project: Project) -> None:
    """Fold after one write in many; which one is left to chance, since writers don't know of each other."""
    if random.randrange(_FOLDS_ONE_IN) == 0:  # noqa: S311
        fold(project)


def fold(project: Project) -> None:
    """Replace the rows of each key by one with their sum. Nothing that is read changes.

    Each table is folded by one process at a time; where another is at it, this one leaves it alone.
    """
    for rollup in ROLLUPS:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), %s)", [_table(rollup), project.pk])
            if cursor.fetchone()[0]:
                cursor.execute(_fold_statement(rollup), [project.pk, project.pk])


def _count(groups: dict[Group, list[int]], run: Counted | None, sign: int) -> None:
    if run is None:
        return
    group = group_of(run)
    sums = groups.get(group)
    if sums is None:
        sums = groups[group] = [0] * len(MEASURES)
    sums[0] += sign
    sums[1] += sign * (run.prompt_tokens or 0)
    sums[2] += sign * (run.completion_tokens or 0)
    sums[3] += sign * (run.total_tokens or 0)
    sums[4] += sign * (run.cached_tokens or 0)
    sums[5] += sign * (run.reasoning_tokens or 0)
    if run.cost is None:
        sums[7] += sign * (run.total_tokens or 0)
    else:
        sums[6] += sign * run.cost
    sums[8] += sign * (run.status == FAILED)


def group_of(run: Counted) -> Group:
    """The group that `run` is counted in."""
    hour = run.created_at.replace(minute=0, second=0, microsecond=0)
    return Group(hour, run.assistant_id, run.model, run.status, run.error_code)


def _rows(project: Project, rollup: Rollup, groups: dict[Group, list[int]]) -> list[tuple[Any, ...]]:
    deltas: dict[tuple[Any, ...], list[int]] = {}
    for group, sums in groups.items():
        key = rollup.key_of(group)
        deltas[key] = [a + b for a, b in zip(deltas[key], sums, strict=True)] if key in deltas else sums
    return [(project.pk, *key, *sums) for key, sums in deltas.items() if any(sums)]


def _insert(rows: list[list[tuple[Any, ...]]]) -> None:
    """All tables in one statement, since a round trip costs more than a row."""
    filled = [(rollup, each) for rollup, each in zip(ROLLUPS, rows, strict=True) if each]
    inserts = [
        f"INSERT INTO {_table(rollup)} ({_columns(rollup)}) {sql.values(len(each[0]), len(each))}"
        for rollup, each in filled
    ]
    parts = ", ".join(f"part{place} AS ({insert})" for place, insert in enumerate(inserts[:-1]))
    with sql.cursor() as cursor:
        parameters = [value for _, each in filled for row in each for value in row]
        cursor.execute(f"WITH {parts} {inserts[-1]}" if parts else inserts[-1], parameters)


def _copy(rollup: Rollup, rows: list[tuple[Any, ...]]) -> None:
    with sql.cursor() as cursor, cursor.copy(f"COPY {_table(rollup)} ({_columns(rollup)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _columns(rollup: Rollup) -> str:
    return ", ".join(("project_id", *rollup.key, *MEASURES))


def _fold_statement(rollup: Rollup) -> str:
    """Takes away the rows of each period that has many a key, and puts back their sums, if anything is left."""
    table, period, keys = _table(rollup), rollup.key[0], ", ".join(rollup.key)
    sums, names = ", ".join(f"sum({name})" for name in MEASURES), f"project_id, {keys}, {', '.join(MEASURES)}"
    return f"""
        WITH crowded AS (
            SELECT {period} FROM {table} WHERE project_id = %s
             GROUP BY {period} HAVING count(*) > 2 * count(DISTINCT ({keys}))),
        gone AS (
            DELETE FROM {table} WHERE project_id = %s AND {period} IN (SELECT {period} FROM crowded)
            RETURNING {names})
        INSERT INTO {table} ({names})
        SELECT project_id, {keys}, {sums} FROM gone GROUP BY project_id, {keys}
        HAVING {" OR ".join(f"sum({name}) <> 0" for name in MEASURES)}"""  # noqa: S608


def _table(rollup: Rollup) -> str:
    return rollup.model._meta.db_table
