"""Keeping the sums over runs exact: what a change of a run adds to them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.models import DayByAssistant, DayByModel, HourByAssistant, HourByModel, HourByStatus, Project
from runs.rollups import writer
from runs.rollups.writer import RollupDeltas, RollupTable

RUN_MEASURES = (
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
FAILED_STATUS = "failed"
# A write folds once in so many, which bounds what piles up where nobody keeps house (see `runs.enrichment.backfill`).
_FOLDS_ONE_IN = 1000


class CountableRun(Protocol):
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


class RunGroup(NamedTuple):
    """What runs have in common that are counted together everywhere."""

    hour: datetime
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None


RUN_ROLLUPS = (
    RollupTable(
        DayByModel,
        ("day", "model", "status", "error_code"),
        RUN_MEASURES,
        lambda group: (group.hour.date(), group.model, group.status, group.error_code),
    ),
    RollupTable(HourByModel, ("hour", "model"), RUN_MEASURES, lambda group: (group.hour, group.model)),
    RollupTable(
        HourByAssistant, ("hour", "assistant_id"), RUN_MEASURES, lambda group: (group.hour, group.assistant_id)
    ),
    RollupTable(
        DayByAssistant, ("day", "assistant_id"), RUN_MEASURES, lambda group: (group.hour.date(), group.assistant_id)
    ),
    RollupTable(HourByStatus, ("hour", "status"), RUN_MEASURES, lambda group: (group.hour, group.status)),
)

# What a run was before a write (None: it was not there) and what it is after it.
RunChange = tuple[CountableRun | None, CountableRun | None]


def record_run_changes(project: Project, changes: Iterable[RunChange]) -> None:
    """Add what `changes` did to the sums; belongs into the transaction that made them."""
    new_run_deltas().add_all(changes).write(project)


def new_run_deltas() -> RollupDeltas[CountableRun]:
    """Counts changes one by one, for `add` all at once."""
    return RollupDeltas(RUN_ROLLUPS, _count)


def compact_run_rollups_occasionally(project: Project) -> None:
    """Fold after one write in many; which one is left to chance, since writers don't know of each other."""
    if random.randrange(_FOLDS_ONE_IN) == 0:  # noqa: S311
        compact_run_rollups(project)


def compact_run_rollups(project: Project) -> None:
    """Replace the rows of each key by one with their sum. Nothing that is read changes."""
    writer.compact_rollups(project, RUN_ROLLUPS)


def _count(groups: dict[RunGroup, list[int]], run: CountableRun, sign: int) -> None:
    group = run_group(run)
    found = groups.get(group)
    if found is None:
        found = groups[group] = [0] * len(RUN_MEASURES)
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
    found[8] += sign * (run.status == FAILED_STATUS)


def run_group(run: CountableRun) -> RunGroup:
    """The group that `run` is counted in."""
    hour = run.created_at.replace(minute=0, second=0, microsecond=0)
    return RunGroup(hour, run.assistant_id, run.model, run.status, run.error_code)
