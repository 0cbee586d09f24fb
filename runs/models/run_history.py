"""The history of a run: its posts, and every version it had. Pure functions, without queries.

The run's row holds the newest version. Each observation stores what its post replaced, so earlier versions are rebuilt
by undoing observations, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runs.models.observation import Observation
from runs.models.run import Run
from runs.protocol.lossless_json import clean_text, split_object

CREATED_OUTCOME = "created"


@dataclass(frozen=True, slots=True)
class RunHistoryEntry:
    """A post in the history: the first one (`n` is 0), one that changed the run, or one that arrived too late."""

    n: int
    outcome: str
    received_at: datetime
    key_id: int | None
    status_before: str | None
    status_after: str
    changed: tuple[str, ...] = ()
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class RunVersion:
    """A posted version of a run. `n` is the number of its post in the history; values of `members` are JSON texts."""

    n: int
    received_at: datetime
    members: Mapping[str, bytes]


def build_history_entries(run: Run, observations: Sequence[Observation]) -> list[RunHistoryEntry]:
    """Return the history, oldest first. `observations` are all those of `run`, in order."""
    first_status = observations[0].status_before if observations else run.status
    first = RunHistoryEntry(0, CREATED_OUTCOME, run.received_at, run.received_key_id, None, first_status)
    later = (
        RunHistoryEntry(
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


def rebuild_versions(run: Run, observations: Sequence[Observation]) -> dict[int, RunVersion]:
    """Return every posted version by the number of its post: the accepted ones and the stale ones."""
    accepted = rebuild_accepted_versions(run, observations)
    versions = {version.n: version for version in accepted}
    for observation in observations:
        if observation.outcome == Observation.Outcome.STALE:
            current = version_before(accepted, observation.n)
            versions[observation.n] = rebuild_stale_version(observation, current)
    return dict(sorted(versions.items()))


def rebuild_accepted_versions(run: Run, observations: Sequence[Observation]) -> list[RunVersion]:
    """Return every version that the run had, oldest first. The last one is the current version."""
    return list(_undo_updates(run, observations))[::-1]


def rebuild_stale_version(observation: Observation, current: RunVersion) -> RunVersion:
    """Return the version of a stale post. `current` is the version that it arrived too late to replace."""
    return RunVersion(observation.n, observation.received_at, _undo(current.members, observation))


def version_before(accepted: Sequence[RunVersion], n: int) -> RunVersion:
    """Return the version that was current when post `n` arrived. `accepted` are sorted, oldest first."""
    return next(version for version in reversed(accepted) if version.n < n)


def _undo_updates(run: Run, observations: Sequence[Observation]) -> Iterator[RunVersion]:
    members: Mapping[str, bytes] = run.members()
    for observation in reversed(observations):
        if observation.outcome == Observation.Outcome.UPDATED:
            yield RunVersion(observation.n, observation.received_at, members)
            members = _undo(members, observation)
    yield RunVersion(0, run.received_at, members)


def _undo(members: Mapping[str, bytes], observation: Observation) -> dict[str, bytes]:
    """Return `members` with the changed fields as `observation` stores them, and without those that it lacks."""
    changed = set(observation.changed)
    kept = {name: raw for name, raw in members.items() if clean_text(name) not in changed}
    return kept | split_object(observation.other.encode())
