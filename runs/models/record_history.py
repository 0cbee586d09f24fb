"""The history of a run, step or message: its posts, and every version it had. Pure functions, without queries.

The record's row holds the newest version. Each observation stores what its post replaced, so earlier versions are
rebuilt by undoing observations, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runs.models.message import Message
from runs.models.observation import PostedObservation
from runs.models.run import Run
from runs.models.run_step import RunStep
from runs.protocol.lossless_json import clean_text, split_object

CREATED_OUTCOME = "created"

HistoryRecord = Run | RunStep | Message


@dataclass(frozen=True, slots=True)
class RecordHistoryEntry:
    """A post in the history: the first one (`n` is 0), one that changed the record, or one that arrived too late."""

    n: int
    outcome: str
    received_at: datetime
    key_id: int | None
    status_before: str | None
    status_after: str
    changed: tuple[str, ...] = ()
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A posted version of a record. `n` is the number of its post; values of `members` are JSON texts."""

    n: int
    received_at: datetime
    members: Mapping[str, bytes]


def build_history_entries(record: HistoryRecord, observations: Sequence[PostedObservation]) -> list[RecordHistoryEntry]:
    """Return the history, oldest first. `observations` are all those of `record`, in order."""
    first_status = observations[0].status_before if observations else record.status or ""
    first = RecordHistoryEntry(0, CREATED_OUTCOME, record.received_at, record.received_key_id, None, first_status)
    later = (
        RecordHistoryEntry(
            observation.n,
            observation.outcome,
            observation.received_at,
            observation.received_key_id,
            observation.status_before,
            observation.status_after,
            tuple(observation.changed),
            observation.conflict,
        )
        for observation in observations
    )
    return [first, *later]


def rebuild_version(record: HistoryRecord, newest_first: Iterable[PostedObservation], n: int) -> RecordVersion | None:
    """Return the version of post `n`, or None if there is none.

    `newest_first` are the observations that `needed_for_versions` returns, for this one or for others as well.
    """
    members: Mapping[str, bytes] = record.members()
    for observation in newest_first:
        if observation.outcome == PostedObservation.Outcome.STALE:
            if observation.n == n:
                return RecordVersion(n, observation.received_at, _undo(members, observation))
        elif observation.n == n:
            return RecordVersion(n, observation.received_at, members)
        else:
            members = _undo(members, observation)
    return RecordVersion(n, record.received_at, members) if n == 0 else None


def _undo(members: Mapping[str, bytes], observation: PostedObservation) -> dict[str, bytes]:
    """Return `members` with the changed fields as `observation` stores them, and without those that it lacks."""
    changed = set(observation.changed)
    kept = {name: raw for name, raw in members.items() if clean_text(name) not in changed}
    return kept | split_object(observation.other.encode())
