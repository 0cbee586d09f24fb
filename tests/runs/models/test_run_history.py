"""The history of a run: its posts, and every version that it had."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from runs.models import Observation, Run, run_history
from runs.protocol import lossless_json
from tests import factories

STATUSES = ["queued", "in_progress", "requires_action", "cancelling", "completed", "failed", "incomplete"]
ABSENT = ...


def observations(run: Run) -> list[Observation]:
    return list(Observation.objects.of_run(run))


def as_object(version: run_history.RunVersion) -> Any:
    return json.loads(lossless_json.join_members(dict(version.members)))


def random_snapshot(rng: random.Random, run_id: str) -> dict[str, Any]:
    """Return a snapshot of one run, in which any field may have changed, be null or be absent."""
    started = factories.NOW + rng.randrange(5)
    return factories.run_object(
        id=run_id,
        created_at=factories.NOW,
        started_at=rng.choice([None, started]),
        completed_at=rng.choice([None, started + rng.randrange(3)]),
        status=rng.choice(STATUSES),
        instructions=rng.choice([ABSENT, None, "Be brief.", "Be \ud800 long."]),
        metadata=rng.choice([ABSENT, None, [], {}, {"a": "1"}]),
        temperature=rng.choice([ABSENT, None, 0, 1, 1.0]),
        usage=rng.choice([ABSENT, None, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}]),
        vendor_field=rng.choice([ABSENT, None, {"deep": [1, 2.50]}]),
    )


@pytest.mark.parametrize("seed", range(12))
def test_every_accepted_version_is_rebuilt(project, seed):
    rng = random.Random(seed)
    accepted, run_id = [], f"run_{seed}"
    for _ in range(rng.randrange(2, 12)):
        posted = random_snapshot(rng, run_id)
        outcome = factories.post(project, posted).outcomes[0].value
        if outcome in ("created", "updated"):
            accepted.append(posted)
        elif outcome == "unchanged":
            accepted[-1] = posted
    run = Run.objects.get(pk=project.record_id(run_id))
    versions = run_history.rebuild_accepted_versions(run, observations(run))
    assert [as_object(version) for version in versions] == accepted
    assert lossless_json.is_same_json(lossless_json.join_members(dict(versions[-1].members)), run.as_json())


def test_single_post_makes_one_entry(project):
    run = factories.post_run(project)
    (entry,) = run_history.build_history_entries(run, [])
    assert (entry.n, entry.outcome, entry.status_before, entry.status_after) == (
        0,
        "created",
        None,
        "completed",
    )
    assert entry.received_at == run.received_at
    assert len(run_history.rebuild_accepted_versions(run, [])) == 1


def test_entries_show_updates_stale_posts_and_conflicts(project):
    queued = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    late = queued | {"status": "in_progress", "started_at": queued["created_at"] + 1}
    done = factories.run_object(id=queued["id"], created_at=queued["created_at"], started_at=late["started_at"])
    other_end = done | {"status": "failed", "failed_at": done["completed_at"] + 60, "completed_at": None}
    for posted in (queued, done, late, other_end):
        factories.post(project, posted)
    run = Run.objects.get(pk=project.record_id(queued["id"]))
    entries = run_history.build_history_entries(run, observations(run))
    assert [(entry.outcome, entry.status_after) for entry in entries] == [
        ("created", "queued"),
        ("updated", "completed"),
        ("stale", "in_progress"),
        ("updated", "failed"),
    ]
    assert [entry.conflict for entry in entries] == [False, False, False, True]
    assert set(entries[1].changed) == {"status", "started_at", "completed_at", "usage"}


def test_stale_post_is_rebuilt(project):
    done = factories.run_object()
    late = done | {"status": "queued", "started_at": None, "completed_at": None, "usage": None, "extra": 1}
    factories.post(project, done)
    factories.post(project, late)
    run = Run.objects.get(pk=project.record_id(done["id"]))
    (observation,) = observations(run)
    (current,) = run_history.rebuild_accepted_versions(run, [observation])
    assert as_object(run_history.rebuild_stale_version(observation, current)) == late
    assert as_object(current) == done
