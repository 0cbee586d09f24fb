"""The rollups of runs: their measures, their keys, and the recording of changes of runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.models import DayByAssistant, DayByModel, HourByAssistant, HourByModel, HourBySource, HourByStatus, Project
from runs.rollups.time_buckets import floor_to_hour
from runs.rollups.writer import RollupDeltas, RollupTable

# Tokens, nano-dollars (`cost`), and numbers of runs (`runs`, `failed`). `_count` adds them in this order.
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


class CountableRun(Protocol):
    """The fields of a run that its rollups need."""

    created_at: datetime
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None
    source: int
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None


class RunGroup(NamedTuple):
    """The keys of all rollups. Runs of one group are counted together everywhere."""

    hour: datetime
    assistant_id: str
    model: str | None
    status: str
    error_code: str | None
    source: int


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
    # runs that are posted themselves are all others
    RollupTable(
        HourBySource,
        ("hour", "source"),
        RUN_MEASURES,
        lambda group: (group.hour, group.source) if group.source else None,
    ),
)

# A run before and after a write; None if it does not exist.
RunChange = tuple[CountableRun | None, CountableRun | None]


def record_run_changes(project: Project, changes: Iterable[RunChange]) -> None:
    """Append `changes` to the rollups. Call it in the transaction that makes them."""
    new_run_deltas().add_all(changes).write(project)


def new_run_deltas() -> RollupDeltas[CountableRun]:
    """Return an object that collects changes of runs and writes them all at once."""
    return RollupDeltas(RUN_ROLLUPS, _count)


def run_group(run: CountableRun) -> RunGroup:
    """Return the group that `run` is counted in."""
    return RunGroup(floor_to_hour(run.created_at), run.assistant_id, run.model, run.status, run.error_code, run.source)


def _count(groups: dict[RunGroup, list[int]], run: CountableRun, sign: int) -> None:
    group = run_group(run)
    sums = groups.get(group)
    if sums is None:
        sums = groups[group] = [0] * len(RUN_MEASURES)
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
    sums[8] += sign * (run.status == "failed")
