"""Keeping the sums over runs exact: what a change of a run adds to them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.models import DayByAssistant, DayByModel, HourByAssistant, HourByModel, HourByStatus, Project
from runs.rollups import writer
from runs.rollups.writer import Rollup, Tally

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
# A write folds once in so many, which bounds what piles up where nobody keeps house (see `runs.enrichment.backfill`).
_FOLDS_ONE_IN = 1000


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


ROLLUPS = (
    Rollup(
        DayByModel,
        ("day", "model", "status", "error_code"),
        MEASURES,
        lambda group: (group.hour.date(), group.model, group.status, group.error_code),
    ),
    Rollup(HourByModel, ("hour", "model"), MEASURES, lambda group: (group.hour, group.model)),
    Rollup(HourByAssistant, ("hour", "assistant_id"), MEASURES, lambda group: (group.hour, group.assistant_id)),
    Rollup(DayByAssistant, ("day", "assistant_id"), MEASURES, lambda group: (group.hour.date(), group.assistant_id)),
    Rollup(HourByStatus, ("hour", "status"), MEASURES, lambda group: (group.hour, group.status)),
)

# What a run was before a write (None: it was not there) and what it is after it.
Change = tuple[Counted | None, Counted | None]


def add(project: Project, changes: Iterable[Change]) -> None:
    """Add what `changes` did to the sums; belongs into the transaction that made them."""
    tally().add_all(changes).write(project)


def tally() -> Tally[Counted]:
    """Counts changes one by one, for `add` all at once."""
    return Tally(ROLLUPS, _count)


def fold_sometimes(project: Project) -> None:
    """Fold after one write in many; which one is left to chance, since writers don't know of each other."""
    if random.randrange(_FOLDS_ONE_IN) == 0:  # noqa: S311
        fold(project)


def fold(project: Project) -> None:
    """Replace the rows of each key by one with their sum. Nothing that is read changes."""
    writer.fold(project, ROLLUPS)


def _count(groups: dict[Group, list[int]], run: Counted, sign: int) -> None:
    group = group_of(run)
    found = groups.get(group)
    if found is None:
        found = groups[group] = [0] * len(MEASURES)
    found[0] += sign
    found[1] += sign * (run.prompt_tokens or 0)
    found[2] += sign * (run.completion_tokens or 0)
    found[3] += sign * (run.total_tokens or 0)
    found[4] += sign * (run.cached_tokens or 0)
    found[5] += sign * (run.reasoning_tokens or 0)
    if run.cost is None:
        found[7] += sign * (run.total_tokens or 0)
    else:
        found[6] += sign * run.cost
    found[8] += sign * (run.status == FAILED)


def group_of(run: Counted) -> Group:
    """The group that `run` is counted in."""
    hour = run.created_at.replace(minute=0, second=0, microsecond=0)
    return Group(hour, run.assistant_id, run.model, run.status, run.error_code)
