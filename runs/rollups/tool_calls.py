"""The rollup of tool calls: its measures, its keys, and the recording of changes of steps.

A step counts even if its run is never received. Calls are validated after their step is written (see
`runs.enrichment.step_validation`), and the result is recorded as a change of the step.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.db import sql
from runs.models import HourByTool, Project
from runs.rollups.time_buckets import floor_to_hour
from runs.rollups.writer import RollupDeltas, RollupTable

# Numbers of calls and outputs, and bytes (`output_bytes`). `_count` adds them in this order.
TOOL_CALL_MEASURES = ("calls", "failed", "checked", "invalid_calls", "outputs", "output_bytes")


class CountableStep(Protocol):
    """The fields of a step that its rollup needs."""

    @property
    def created_at(self) -> datetime:
        """The creation time of the step."""

    @property
    def assistant_id(self) -> str | None:
        """The assistant that the step names."""

    @property
    def status(self) -> str:
        """The status of the step, which is that of all its calls."""

    @property
    def tool_types(self) -> list[str]:
        """The type of each call."""

    @property
    def tool_names(self) -> list[str]:
        """The name of each call."""


class StoredCalls(NamedTuple):
    """A `CountableStep` as it is read from the table of steps."""

    created_at: datetime
    assistant_id: str | None
    status: str
    tool_types: list[str]
    tool_names: list[str]


class ToolCallValidation(NamedTuple):
    """The result of validating the calls of a step.

    `invalid_calls` has the name of every call that does not match its run's tools, `output_sizes` the bytes of the
    output of each call, None for a call without output.
    """

    invalid_calls: Sequence[str]
    output_sizes: Sequence[int | None]


# Hour, type, name and assistant of a call. Calls of one group are counted together.
ToolCallGroup = tuple[datetime, str, str, str | None]
# A step and the result of validating its calls; None if they are not validated yet.
CountableCalls = tuple[CountableStep, ToolCallValidation | None]
# Both of them before and after a write; None if the step does not exist.
ToolCallChange = tuple[CountableCalls | None, CountableCalls | None]

TOOL_CALL_ROLLUPS = (
    RollupTable(HourByTool, ("hour", "type", "name", "assistant_id"), TOOL_CALL_MEASURES, lambda group: group),
)

_STORED_COLUMNS = ", ".join(f"run_step.{name}" for name in StoredCalls._fields)
# The version is incremented, so that a writer that read the steps before merges again.
_INVALIDATE = f"""
    WITH checked AS (
        SELECT run_id, external_id, invalid_calls, tool_outputs FROM run_step
         WHERE run_id = ANY(%s) AND invalid_calls IS NOT NULL ORDER BY run_id, external_id FOR UPDATE)
    UPDATE run_step SET invalid_calls = NULL, tool_outputs = NULL, version = run_step.version + 1 FROM checked
     WHERE run_step.run_id = checked.run_id AND run_step.external_id = checked.external_id
    RETURNING checked.invalid_calls, checked.tool_outputs, {_STORED_COLUMNS}"""  # noqa: S608 - constant names
_DELETE = f"""
    WITH deleted AS (
        SELECT run_id, external_id FROM run_step
         WHERE run_id = ANY(%s) AND (run_id, external_id) NOT IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))
         ORDER BY run_id, external_id FOR UPDATE)
    DELETE FROM run_step USING deleted
     WHERE run_step.run_id = deleted.run_id AND run_step.external_id = deleted.external_id
    RETURNING invalid_calls, tool_outputs, {_STORED_COLUMNS}"""  # noqa: S608


def record_tool_call_changes(project: Project, changes: Iterable[ToolCallChange]) -> None:
    """Append `changes` to the rollup. Call it in the transaction that makes them."""
    new_tool_call_deltas().add_all(changes).write(project)


def new_tool_call_deltas() -> RollupDeltas[CountableCalls]:
    """Return an object that collects changes of steps and writes them all at once."""
    return RollupDeltas(TOOL_CALL_ROLLUPS, _count)


def invalidate_checks(project: Project, run_ids: Sequence[uuid.UUID]) -> None:
    """Discard the validation results of the calls of these runs, whose tools have changed."""
    with sql.open_cursor() as cursor:
        cursor.execute(_INVALIDATE, [sorted(run_ids)])
        rows = cursor.fetchall()
    steps = [(ToolCallValidation(*row[:2]), StoredCalls(*row[2:])) for row in rows]
    record_tool_call_changes(project, (((step, result), (step, None)) for result, step in steps))


def delete_steps(run_ids: Iterable[uuid.UUID], kept: Collection[tuple[uuid.UUID, str]] = ()) -> list[CountableCalls]:
    """Delete the steps of runs, but those with the keys `kept`.

    Return them, for their calls to be subtracted from the rollup.
    """
    kept_ids = [run_id for run_id, _ in kept], [step_id for _, step_id in kept]
    with sql.open_cursor() as cursor:
        cursor.execute(_DELETE, [sorted(run_ids), *kept_ids])
        rows = cursor.fetchall()
    return [(StoredCalls(*row[2:]), None if row[0] is None else ToolCallValidation(*row[:2])) for row in rows]


def _count(groups: dict[ToolCallGroup, list[int]], calls: CountableCalls, sign: int) -> None:
    step, validation = calls
    hour, failed = floor_to_hour(step.created_at), sign * (step.status == "failed")
    for type_, name in zip(step.tool_types, step.tool_names, strict=True):
        group = (hour, type_, name, step.assistant_id)
        sums = groups.get(group)
        if sums is None:
            sums = groups[group] = [0] * len(TOOL_CALL_MEASURES)
        sums[0] += sign
        sums[1] += failed
    if validation is None:
        return
    for type_, name, size in zip(step.tool_types, step.tool_names, validation.output_sizes, strict=True):
        sums = groups[(hour, type_, name, step.assistant_id)]
        sums[2] += sign
        if size is not None:
            sums[4] += sign
            sums[5] += sign * size
    for name in validation.invalid_calls:
        groups[(hour, "function", name, step.assistant_id)][3] += sign
