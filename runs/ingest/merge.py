"""Which of two snapshots of one record stands. Pure: nothing here knows of a database.

Snapshots are ordered by what they say of themselves, never by when they came, so any order and any repetition
of one lifecycle's snapshots end in the same state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from runs.protocol import message, run, step
from runs.protocol.assistant import AssistantColumns
from runs.protocol.message import MessageColumns
from runs.protocol.run import RunColumns
from runs.protocol.step import StepColumns

RecordColumns = RunColumns | StepColumns | MessageColumns | AssistantColumns

_NEVER = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """What became of one posted object that follows the protocol."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class SnapshotOrder(NamedTuple):
    """How far along a snapshot is; of two, the greater stands.

    `stage`: 0 active or unknown, 1 cancelling, 2 ended. `started` comes before `ended`, since servers move
    started_at forward when a run goes on after tool outputs. Usage is filled in after the end, never taken away.
    """

    stage: int
    started: datetime = _NEVER
    ended: datetime = _NEVER
    counted: bool = False


def snapshot_order(record: RecordColumns) -> SnapshotOrder:
    """The standing of a record; of assistants, which say nothing of when they changed, the last one posted stands."""
    match record:
        case RunColumns():
            return _run_snapshot_order(record)
        case StepColumns():
            ended = record.ended_at if record.status in step.TERMINAL_STEP_STATUSES else None
            stage = 2 if record.status in step.TERMINAL_STEP_STATUSES else 0
            return SnapshotOrder(stage, _NEVER, ended or _NEVER, _has_usage(record))
        case MessageColumns():
            stage = 0 if record.status in message.ACTIVE_MESSAGE_STATUSES else 2
            return SnapshotOrder(stage, _NEVER, record.completed_at or record.incomplete_at or _NEVER)
        case AssistantColumns():
            return SnapshotOrder(0)


def compare_snapshots(stored: RecordColumns | None, posted: RecordColumns) -> Outcome:
    """What `posted` does to `stored`: among equals the later post wins."""
    if stored is None:
        return Outcome.CREATED
    if stored == posted:
        return Outcome.UNCHANGED
    return Outcome.STALE if snapshot_order(posted) < snapshot_order(stored) else Outcome.UPDATED


def has_conflicting_end(stored: RunColumns, posted: RunColumns) -> bool:
    """Whether two snapshots tell of different ends of one run."""
    statuses = {stored.status, posted.status}
    return len(statuses) == 2 and statuses <= run.TERMINAL_RUN_STATUSES


def _run_snapshot_order(record: RunColumns) -> SnapshotOrder:
    started = record.started_at or _NEVER
    if record.status in run.TERMINAL_RUN_STATUSES:
        return SnapshotOrder(2, started, record.ended_at or _NEVER, _has_usage(record))
    return SnapshotOrder(1 if record.status == "cancelling" else 0, started, _NEVER, _has_usage(record))


def _has_usage(record: RunColumns | StepColumns) -> bool:
    return (record.prompt_tokens, record.completion_tokens, record.total_tokens) != (None, None, None)
