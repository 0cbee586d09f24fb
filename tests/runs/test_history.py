"""The history of a run: what was received, and every version that ever stood."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.test import Client

from runs.models import Observation, Project, Run, run_history
from runs.protocol import lossless_json
from tests import factories

STATUSES = ["queued", "in_progress", "requires_action", "cancelling", "completed", "failed", "incomplete"]
ABSENT = ...


def observations(run: Run) -> list[Observation]:
    return list(Observation.objects.of_run(run))


def as_object(version: run_history.RunVersion) -> Any:
    return json.loads(lossless_json.join_members(dict(version.members)))


def random_snapshot(chance: random.Random, run_id: str) -> dict[str, Any]:
    """A snapshot of one run: any field may change, become null or go."""
    started = factories.NOW + chance.randrange(5)
    return factories.run_object(
        id=run_id,
        created_at=factories.NOW,
        started_at=chance.choice([None, started]),
        completed_at=chance.choice([None, started + chance.randrange(3)]),
        status=chance.choice(STATUSES),
        instructions=chance.choice([ABSENT, None, "Be brief.", "Be \ud800 long."]),
        metadata=chance.choice([ABSENT, None, [], {}, {"a": "1"}]),
        temperature=chance.choice([ABSENT, None, 0, 1, 1.0]),
        usage=chance.choice([ABSENT, None, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}]),
        vendor_field=chance.choice([ABSENT, None, {"deep": [1, 2.50]}]),
    )


@pytest.mark.parametrize("seed", range(12))
def test_undoing_observations_gives_every_accepted_version_back(project, seed):
    chance = random.Random(seed)
    stood, run_id = [], f"run_{seed}"
    for _ in range(chance.randrange(2, 12)):
        posted = random_snapshot(chance, run_id)
        outcome = factories.post(project, posted).outcomes[0].value
        if outcome in ("created", "updated"):
            stood.append(posted)
        elif outcome == "unchanged":
            stood[-1] = posted
    run = Run.objects.get(pk=project.record_id(run_id))
    versions = run_history.rebuild_accepted_versions(run, observations(run))
    assert [as_object(version) for version in versions] == stood
    assert lossless_json.is_same_json(lossless_json.join_members(dict(versions[-1].members)), run.as_json())


def test_a_run_that_was_posted_once_has_one_entry_and_one_version(project):
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


def test_entries_tell_of_updates_stale_posts_and_conflicts(project):
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


def test_a_stale_post_can_be_rebuilt_too(project):
    done = factories.run_object()
    late = done | {"status": "queued", "started_at": None, "completed_at": None, "usage": None, "extra": 1}
    factories.post(project, done)
    factories.post(project, late)
    run = Run.objects.get(pk=project.record_id(done["id"]))
    (observed,) = observations(run)
    (standing,) = run_history.rebuild_accepted_versions(run, [observed])
    assert as_object(run_history.rebuild_stale_version(observed, standing)) == late
    assert as_object(standing) == done


def api(project: Project) -> Client:
    return Client(headers={"Authorization": f"Bearer {factories.make_key(project)}"})


def test_the_api_lists_the_history_with_its_keys(project):
    client = api(project)
    queued = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    factories.post(project, queued)
    client.post("/api/v1/runs", queued | {"status": "in_progress"}, content_type="application/json")
    first, second = client.get(f"/api/v1/runs/{queued['id']}/history").json()
    assert (first["n"], first["outcome"], first["key"], first["status_before"]) == (0, "created", None, None)
    assert (second["n"], second["outcome"], second["key"]) == (1, "updated", "test")
    assert (second["status_before"], second["status_after"]) == ("queued", "in_progress")
    assert second["changed"] == ["status"]
    assert second["conflict"] is False
    assert second["received_at"].endswith("Z")


def test_the_api_gives_steps_back_as_they_were_posted_oldest_first(project):
    run = factories.run_object()
    later = factories.step_object(run, factories.function_call("b"), created_at=run["created_at"] + 5, vendor=1)
    earlier = factories.step_object(run, factories.function_call("a"))
    factories.post(project, run)
    factories.post_steps(project, later, earlier)
    assert api(project).get(f"/api/v1/runs/{run['id']}/steps").json() == {
        "object": "list",
        "data": [earlier, later],
    }


@pytest.mark.parametrize("what", ["history", "steps"])
def test_the_api_knows_no_runs_of_other_projects(project, what):
    run = factories.post_run(factories.make_project("other"))
    response = api(project).get(f"/api/v1/runs/{run.external_id}/{what}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
