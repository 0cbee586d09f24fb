"""Keeping the sums over tool calls exact: what a change of a step adds to them.

A step whose run never comes counts like any other. Steps are checked after they were
written (see `runs.enrichment.tool_call_validation`),
and that is a change as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.db import sql
from runs.models import HourByTool, Project
from runs.rollups import writer
from runs.rollups.writer import RollupDeltas, RollupTable

TOOL_CALL_MEASURES = ("calls", "failed", "checked", "misargued", "outputs", "output_bytes")


class CountableStep(Protocol):
    """What the sums read of a step."""

    @property
    def created_at(self) -> datetime: ...
    @property
    def assistant_id(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def tool_types(self) -> list[str]: ...
    @property
    def tool_names(self) -> list[str]: ...


class StoredCalls(NamedTuple):
    """A step as its row holds it."""

    created_at: datetime
    assistant_id: str | None
    status: str
    tool_types: list[str]
    tool_names: list[str]


class ToolCallValidation(NamedTuple):
    """What was found out about the calls of a step after it was written (see `runs.enrichment.tool_call_validation`).

    `misargued` names those that do not keep to their run's tools; `outputs` has the bytes of each one's output.
    """

    misargued: Sequence[str]
    outputs: Sequence[int | None]


# What calls have in common that are counted together: the hour, their kind and name, and the assistant.
ToolCallGroup = tuple[datetime, str, str, str | None]

_COLUMNS = ", ".join(f"run_step.{name}" for name in StoredCalls._fields)
# The versions count up, so that a writer who read the steps before merges again.
_UNCHECK = f"""
    WITH checked AS (
        SELECT run_id, external_id, misargued, tool_outputs FROM run_step
         WHERE run_id = ANY(%s) AND misargued IS NOT NULL ORDER BY run_id, external_id FOR UPDATE)
    UPDATE run_step SET misargued = NULL, tool_outputs = NULL, version = run_step.version + 1 FROM checked
     WHERE run_step.run_id = checked.run_id AND run_step.external_id = checked.external_id
    RETURNING checked.misargued, checked.tool_outputs, {_COLUMNS}"""  # noqa: S608 - names of our own
_REMOVE = f"DELETE FROM run_step WHERE run_id = %s RETURNING misargued, tool_outputs, {_COLUMNS}"  # noqa: S608

# A step, and what is known of its calls; None where they were not checked.
CountableCalls = tuple[CountableStep, ToolCallValidation | None]
ToolCallChange = tuple[CountableCalls | None, CountableCalls | None]

TOOL_CALL_ROLLUPS = (
    RollupTable(HourByTool, ("hour", "type", "name", "assistant_id"), TOOL_CALL_MEASURES, lambda group: group),
)


def record_tool_call_changes(project: Project, changes: Iterable[ToolCallChange]) -> None:
    """Add what `changes` did to the sums; belongs into the transaction that made them."""
    new_tool_call_deltas().add_all(changes).write(project)


def new_tool_call_deltas() -> RollupDeltas[CountableCalls]:
    """Counts changes one by one, for `add` all at once."""
    return RollupDeltas(TOOL_CALL_ROLLUPS, _count)


def invalidate_checks(project: Project, run_ids: Sequence[uuid.UUID]) -> None:
    """Forget whether the calls of these runs keep to their tools: the tools are others now."""
    with sql.open_cursor() as cursor:
        cursor.execute(_UNCHECK, [sorted(run_ids)])
        rows = cursor.fetchall()
    steps = [(ToolCallValidation(*row[:2]), StoredCalls(*row[2:])) for row in rows]
    record_tool_call_changes(project, (((step, verdict), (step, None)) for verdict, step in steps))


def delete_steps(project: Project, run_id: uuid.UUID) -> None:
    """Delete the steps of a run, and take their calls out of the sums."""
    with sql.open_cursor() as cursor:
        cursor.execute(_REMOVE, [run_id])
        rows = cursor.fetchall()
    record_tool_call_changes(
        project,
        (((StoredCalls(*row[2:]), None if row[0] is None else ToolCallValidation(*row[:2])), None) for row in rows),
    )


def compact_tool_call_rollups(project: Project) -> None:
    """Replace the rows of each key by one with their sum. Nothing that is read changes."""
    writer.compact_rollups(project, TOOL_CALL_ROLLUPS)


def _count(groups: dict[ToolCallGroup, list[int]], counted: CountableCalls, sign: int) -> None:
    step, verdict = counted
    hour, failed = step.created_at.replace(minute=0, second=0, microsecond=0), sign * (step.status == "failed")
    for kind, name in zip(step.tool_types, step.tool_names, strict=True):
        group = (hour, kind, name, step.assistant_id)
        found = groups.get(group)
        if found is None:
            found = groups[group] = [0] * len(TOOL_CALL_MEASURES)
        found[0] += sign
        found[1] += failed
    if verdict is not None:
        _count_verdict(groups, step, verdict, hour, sign)


def _count_verdict(
    groups: dict[ToolCallGroup, list[int]], step: CountableStep, verdict: ToolCallValidation, hour: datetime, sign: int
) -> None:
    for kind, name, output in zip(step.tool_types, step.tool_names, verdict.outputs, strict=True):
        found = groups[(hour, kind, name, step.assistant_id)]
        found[2] += sign
        if output is not None:
            found[4] += sign
            found[5] += sign * output
    for name in verdict.misargued:
        groups[(hour, "function", name, step.assistant_id)][3] += sign
