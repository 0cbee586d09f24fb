"""The history of a run, step or message: its posts, and every version it had. Pure functions, without queries.

The record's row holds the newest version. Each observation stores what its post replaced, so earlier versions are
rebuilt by undoing observations, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def rebuild_versions(record: HistoryRecord, observations: Sequence[PostedObservation]) -> dict[int, RecordVersion]:
    """Return every posted version by the number of its post: the accepted ones and the stale ones."""
    accepted = rebuild_accepted_versions(record, observations)
    versions = {version.n: version for version in accepted}
    for observation in observations:
        if observation.outcome == PostedObservation.Outcome.STALE:
            current = version_before(accepted, observation.n)
            versions[observation.n] = rebuild_stale_version(observation, current)
    return dict(sorted(versions.items()))


def rebuild_version(record: HistoryRecord, newest_first: Iterable[PostedObservation], n: int) -> RecordVersion | None:
    """Return the version of post `n`, or None if there is none. Observations before `n` are not needed."""
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


def rebuild_accepted_versions(record: HistoryRecord, observations: Sequence[PostedObservation]) -> list[RecordVersion]:
    """Return every version that the record had, oldest first. The last one is the current version."""
    return list(_undo_updates(record, observations))[::-1]


def rebuild_stale_version(observation: PostedObservation, current: RecordVersion) -> RecordVersion:
    """Return the version of a stale post. `current` is the version that it arrived too late to replace."""
    return RecordVersion(observation.n, observation.received_at, _undo(current.members, observation))


def version_before(accepted: Sequence[RecordVersion], n: int) -> RecordVersion:
    """Return the version that was current when post `n` arrived. `accepted` are sorted, oldest first."""
    return next(version for version in reversed(accepted) if version.n < n)


def _undo_updates(record: HistoryRecord, observations: Sequence[PostedObservation]) -> Iterator[RecordVersion]:
    members: Mapping[str, bytes] = record.members()
    for observation in reversed(observations):
        if observation.outcome == PostedObservation.Outcome.UPDATED:
            yield RecordVersion(observation.n, observation.received_at, members)
            members = _undo(members, observation)
    yield RecordVersion(0, record.received_at, members)


def _undo(members: Mapping[str, bytes], observation: PostedObservation) -> dict[str, bytes]:
    """Return `members` with the changed fields as `observation` stores them, and without those that it lacks."""
    changed = set(observation.changed)
    kept = {name: raw for name, raw in members.items() if clean_text(name) not in changed}
    return kept | split_object(observation.other.encode())
