"""The history of a run, step or message: its posts, and every version that it had."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from runs.ingest import MESSAGES, STEPS, RawItem, ingest
from runs.models import ApiKey, PostedObservation, Run, find_observations, record_history
from runs.protocol import lossless_json
from tests import factories

STATUSES = ["queued", "in_progress", "requires_action", "cancelling", "completed", "failed", "incomplete"]
ABSENT = ...


def observations(run: Run) -> list[PostedObservation]:
    return list(find_observations(run))


def rebuild_all(record: Any) -> list[Any]:
    """Return every version of a record, as posted."""
    versions = [rebuild(record, n) for n in range(record.history_length + 1)]
    return [as_object(version) for version in versions if version is not None]


def rebuild(record: Any, n: int) -> record_history.RecordVersion | None:
    return record_history.rebuild_version(record, find_observations(record).needed_for_versions(n), n)


def as_object(version: record_history.RecordVersion) -> Any:
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
    numbers = [0, *(entry.n for entry in observations(run) if entry.outcome == "updated")]
    versions = rebuild_all(run)
    assert [versions[n] for n in numbers] == accepted
    newest = rebuild(run, numbers[-1])
    assert newest is not None
    assert lossless_json.is_same_json(lossless_json.join_members(dict(newest.members)), run.as_json())


def test_single_post_makes_one_entry(project):
    run = factories.post_run(project)
    (entry,) = record_history.build_history_entries(run, [])
    assert (entry.n, entry.outcome, entry.status_before, entry.status_after) == (
        0,
        "created",
        None,
        "completed",
    )
    assert entry.received_at == run.received_at
    assert len(rebuild_all(run)) == 1


def test_entries_show_updates_stale_posts_and_conflicts(project):
    queued = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    late = queued | {"status": "in_progress", "started_at": queued["created_at"] + 1}
    done = factories.run_object(id=queued["id"], created_at=queued["created_at"], started_at=late["started_at"])
    other_end = done | {"status": "failed", "failed_at": done["completed_at"] + 60, "completed_at": None}
    for posted in (queued, done, late, other_end):
        factories.post(project, posted)
    run = Run.objects.get(pk=project.record_id(queued["id"]))
    entries = record_history.build_history_entries(run, observations(run))
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
    assert rebuild_all(run) == [done, late]


def test_few_posts_are_needed_for_a_version(project):
    posted = factories.run_object()
    for n in range(30):
        factories.post(project, posted | {"metadata": {"n": str(n)}, f"vendor_{n % 3}": n})
    run = Run.objects.get()
    history = find_observations(run)

    assert run.history_length == 29
    assert [entry.n for entry in history.needed_for_versions(5)] == [7, 6, 5]
    assert [entry.n for entry in history.needed_for_versions(0)] == [2, 1]
    assert {entry.n for entry in history.needed_for_versions(2, 20)} == {2, 3, 4, 20, 21, 22}
    assert [version["metadata"]["n"] for version in rebuild_all(run)] == [str(n) for n in range(30)]


@pytest.mark.parametrize(
    ("record_type", "posted"),
    [
        (STEPS, factories.step_object(factories.run_object(id="run_1"), factories.function_call("search"), id="s")),
        (MESSAGES, factories.message_object(id="m", status="completed", completed_at=factories.NOW + 9)),
        (MESSAGES, factories.message_object(id="m")),
    ],
)
def test_steps_and_messages_have_history(project, record_type, posted):
    key = make_key_record(project)
    full = posted | {"vendor_field": "x" * 14_000}
    begun = posted | {"status": "in_progress", "completed_at": None}
    contradicting = full | {"vendor_field": "y"}
    for snapshot in (full, begun, posted, contradicting, posted, begun):
        ingest(project, record_type, [RawItem(0, json.dumps(snapshot).encode())], key_id=key.pk)
    record = record_type.model.objects.get()
    stored = list(find_observations(record))
    entries = record_history.build_history_entries(record, stored)
    assert [entry.outcome for entry in entries] == ["created", "stale", "stale", "updated"]
    assert entries[1].status_after == "in_progress"
    assert {entry.key_id for entry in entries} == {key.pk}
    assert (record.history_length, record.version) == (3, 4)
    assert rebuild_all(record) == [full, begun, posted, contradicting]
    for n in range(4):
        assert record_history.rebuild_version(record, stored[::-1], n) == rebuild(record, n)
    assert rebuild(record, 4) is None


def make_key_record(project):
    return ApiKey.objects.create(project=project, name="k", prefix="k", digest=b"k", scopes=["ingest"])
