"""Keeping the rollups exact: what a change of a run adds to them, and folding what has piled up."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from django.db import connection, transaction

from runs.models import DayByAssistant, DayByModel, HourByStatus, Project
from runs.models.rollup import Sums

MEASURES = ("runs", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
# A write folds once in so many, so that rows pile up to a few thousand at the most.
_FOLDS_ONE_IN = 50


class Counted(Protocol):
    """What the sums read of a run."""

    created_at: Any
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None


@dataclass(frozen=True)
class Rollup:
    """One table of sums: its key columns, and how a run's key is found."""

    model: type[Sums]
    key: tuple[str, ...]
    key_of: Callable[[Counted], tuple[Any, ...]]


ROLLUPS = (
    Rollup(
        DayByModel,
        ("day", "model", "status", "error_code"),
        lambda run: (run.created_at.date(), run.model, run.status, run.error_code),
    ),
    Rollup(
        DayByAssistant,
        ("day", "assistant_id", "model"),
        lambda run: (run.created_at.date(), run.assistant_id, run.model),
    ),
    Rollup(
        HourByStatus,
        ("hour", "status"),
        lambda run: (_hour(run.created_at), run.status),
    ),
)

# What a run was before a write (None: it was not there) and what it is after it.
Change = tuple[Counted | None, Counted | None]


def add(project: Project, changes: Iterable[Change]) -> None:
    """Add what `changes` did to the sums; belongs into the transaction that made them."""
    found = [change for change in changes if change[0] is not change[1]]
    for rollup in ROLLUPS:
        deltas: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        for before, after in found:
            _count(deltas, rollup, before, -1)
            _count(deltas, rollup, after, 1)
        rollup.model._default_manager.bulk_create(
            rollup.model(
                project=project,
                **dict(zip(rollup.key, key, strict=True)),
                **dict(zip(MEASURES, sums, strict=True)),
            )
            for key, sums in deltas.items()
            if any(sums)
        )


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


def _count(deltas: dict[tuple[Any, ...], list[int]], rollup: Rollup, run: Counted | None, sign: int) -> None:
    if run is None:
        return
    sums = deltas[rollup.key_of(run)]
    sums[0] += sign
    for place, name in enumerate(MEASURES[1:], 1):
        sums[place] += sign * (getattr(run, name) or 0)


def _hour(moment: Any) -> Any:
    return moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


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
