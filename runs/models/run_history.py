"""A run's history: what was posted about it and when, and every version that ever stood. Pure.

A run's row holds the newest version. Each observation keeps what its post replaced, so earlier versions come
back by undoing observations from the newest one backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runs.models import Observation, Run
from runs.protocol import lossless_json

CREATED_OUTCOME = "created"


@dataclass(frozen=True, slots=True)
class RunHistoryEntry:
    """One post that was kept: the first (`n` 0), each that changed the run, each that came too late."""

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
    """A state that a post told of. `n` is that post's place in the history; values are JSON texts."""

    n: int
    received_at: datetime
    members: Mapping[str, bytes]


def build_history_entries(run: Run, observations: Sequence[Observation]) -> list[RunHistoryEntry]:
    """The history, oldest first; `observations` are all those of `run`, in order."""
    first_status = observations[0].status_before if observations else run.status
    first = RunHistoryEntry(0, CREATED_OUTCOME, run.received_at, run.received_key_id, None, first_status)
    return [first, *(_entry(each) for each in observations)]


def rebuild_accepted_versions(run: Run, observations: Sequence[Observation]) -> list[RunVersion]:
    """Every version that stood, oldest first, the last one being what `run` holds now."""
    return list(_backwards(run, observations))[::-1]


def rebuild_stale_version(observation: Observation, standing: RunVersion) -> RunVersion:
    """What a stale post said; `standing` is the version that it came too late to replace."""
    return RunVersion(observation.n, observation.received_at, _replaced(standing.members, observation))


def rebuild_versions(run: Run, observations: Sequence[Observation]) -> dict[int, RunVersion]:
    """Every state that a post told of, by its place in the history: those that stood, and those that came late."""
    stood = rebuild_accepted_versions(run, observations)
    late = (each for each in observations if each.outcome == Observation.Outcome.STALE)
    found = {each.n: each for each in stood}
    for each in late:
        found[each.n] = rebuild_stale_version(each, version_before(stood, each.n))
    return dict(sorted(found.items()))


def version_before(stood: Sequence[RunVersion], n: int) -> RunVersion:
    """The version that stood when the `n`-th post came, of all that ever did, oldest first."""
    return next(each for each in reversed(stood) if each.n < n)


def _backwards(run: Run, observations: Sequence[Observation]) -> Iterator[RunVersion]:
    members: Mapping[str, bytes] = run.members()
    for each in reversed(observations):
        if each.outcome == Observation.Outcome.UPDATED:
            yield RunVersion(each.n, each.received_at, members)
            members = _replaced(members, each)
    yield RunVersion(0, run.received_at, members)


def _replaced(members: Mapping[str, bytes], observation: Observation) -> dict[str, bytes]:
    """`members` with the fields that `observation` names as it has them; those it lacks were absent."""
    changed = set(observation.changed)
    kept = {name: raw for name, raw in members.items() if lossless_json.clean_text(name) not in changed}
    return kept | lossless_json.split_object(observation.other.encode())


def _entry(observation: Observation) -> RunHistoryEntry:
    return RunHistoryEntry(
        observation.n,
        observation.outcome,
        observation.received_at,
        observation.received_key_id,
        observation.status_before,
        observation.status_after,
        tuple(observation.changed),
        observation.conflict,
    )
