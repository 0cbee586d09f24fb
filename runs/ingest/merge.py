"""Which of two snapshots of one record stands. Pure: nothing here knows of a database.

Snapshots are ordered by what they say of themselves, never by when they came, so any order and any repetition
of one lifecycle's snapshots end in the same state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from runs.protocol import message, run, step
from runs.protocol.assistant import AssistantRecord
from runs.protocol.message import MessageRecord
from runs.protocol.run import RunRecord
from runs.protocol.step import StepRecord

Record = RunRecord | StepRecord | MessageRecord | AssistantRecord

_NEVER = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """What became of one posted object that follows the protocol."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class Standing(NamedTuple):
    """How far along a snapshot is; of two, the greater stands.

    `stage`: 0 active or unknown, 1 cancelling, 2 ended. `started` comes before `ended`, since servers move
    started_at forward when a run goes on after tool outputs. Usage is filled in after the end, never taken away.
    """

    stage: int
    started: datetime = _NEVER
    ended: datetime = _NEVER
    counted: bool = False


def standing(record: Record) -> Standing:
    """The standing of a record; of assistants, which say nothing of when they changed, the last one posted stands."""
    match record:
        case RunRecord():
            return _run_standing(record)
        case StepRecord():
            ended = record.ended_at if record.status in step.TERMINAL else None
            stage = 2 if record.status in step.TERMINAL else 0
            return Standing(stage, _NEVER, ended or _NEVER, _is_counted(record))
        case MessageRecord():
            stage = 0 if record.status in message.ACTIVE else 2
            return Standing(stage, _NEVER, record.completed_at or record.incomplete_at or _NEVER)
        case AssistantRecord():
            return Standing(0)


def merge(stored: Record | None, posted: Record) -> Outcome:
    """What `posted` does to `stored`: among equals the later post wins."""
    if stored is None:
        return Outcome.CREATED
    if stored == posted:
        return Outcome.UNCHANGED
    return Outcome.STALE if standing(posted) < standing(stored) else Outcome.UPDATED


def contradicts(stored: RunRecord, posted: RunRecord) -> bool:
    """Whether two snapshots tell of different ends of one run."""
    statuses = {stored.status, posted.status}
    return len(statuses) == 2 and statuses <= run.TERMINAL


def _run_standing(record: RunRecord) -> Standing:
    started = record.started_at or _NEVER
    if record.status in run.TERMINAL:
        return Standing(2, started, record.ended_at or _NEVER, _is_counted(record))
    return Standing(1 if record.status == "cancelling" else 0, started, _NEVER, _is_counted(record))


def _is_counted(record: RunRecord | StepRecord) -> bool:
    return (record.prompt_tokens, record.completion_tokens, record.total_tokens) != (None, None, None)
