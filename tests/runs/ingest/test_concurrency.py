"""Concurrent writers end in the same state as successive ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from runs.ingest import RUNS, STEPS, IngestReport, RawItem, ingest
from runs.models import Configuration, Observation, Project, Run, RunStep, find_observations
from runs.models.record_history import rebuild_version
from runs.protocol.run import TERMINAL_RUN_STATUSES
from tests import factories
from tests.factories import NOW, function_call, function_tool, run_object, step_object, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)

Snapshot = dict[str, Any]


def lifecycle(number: int) -> list[Snapshot]:
    """Return the snapshots of a run. Some runs have their own configuration, which changes on the way."""
    done = run_object(
        id=f"run_{number}", created_at=NOW + number, started_at=NOW + 30, completed_at=NOW + 40,
        tools=[function_tool(f"tool_{number % 7}")],
    )  # fmt: skip
    begun = done | {"status": "in_progress", "completed_at": None, "usage": None, "started_at": NOW + 20}
    action = waiting_run("refund")["required_action"]
    waiting = begun | {"status": "requires_action", "required_action": action, "started_at": NOW + 21}
    going_on = begun | {"started_at": NOW + 30, "model": "gpt-4o"}
    return [
        begun | {"status": "queued", "started_at": None},
        begun,
        waiting,
        going_on,
        done | {"usage": None},
        done,
    ]


def run_concurrently(writers: int, work: Callable[[int], None]) -> None:
    """Run `work` in several threads that start together, and raise the first exception."""
    start = Barrier(writers)

    def run(number: int) -> None:
        start.wait(timeout=10)
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(run, range(writers)))


def shuffled_batches(items: Sequence[Snapshot], seed: int) -> list[list[RawItem]]:
    chance = random.Random(seed)
    order = chance.sample(items, len(items))
    batches = []
    while order:
        size = chance.choice([1, 7, 31, 90, 200])
        batches.append(as_items(order[:size]))
        del order[:size]
    return batches


def as_items(snapshots: Sequence[Snapshot]) -> list[RawItem]:
    return [RawItem(index, json.dumps(snapshot).encode()) for index, snapshot in enumerate(snapshots)]


@pytest.mark.parametrize(("writers", "runs"), [(2, 120), (4, 60), (4, 5)])
def test_overlapping_snapshots_end_with_complete_history(writers: int, runs: int) -> None:
    project = factories.make_project()
    lifecycles = {snapshots[-1]["id"]: snapshots for snapshots in map(lifecycle, range(runs))}
    snapshots = [snapshot for lifecycle_snapshots in lifecycles.values() for snapshot in lifecycle_snapshots]
    reports: list[IngestReport] = []

    def work(number: int) -> None:
        reports.extend(ingest(project, RUNS, batch) for batch in shuffled_batches(snapshots, seed=number))

    run_concurrently(writers, work)
    assert [problem for report in reports for problem in report.errors] == []
    assert sum(report.counts["created"] for report in reports) == runs
    assert Run.objects.count() == runs
    for run in Run.objects.with_configuration():
        assert json.loads(run.as_json()) == lifecycles[run.external_id][-1]
        check_history(run, lifecycles[run.external_id])
    updated = Observation.objects.filter(outcome="updated").count()
    assert sum(report.counts["updated"] for report in reports) == updated


def check_history(run: Run, snapshots: list[Snapshot]) -> None:
    """Check that no entry is missing, and that undoing them leads back through posted states."""
    observations = list(find_observations(run))
    assert [observation.n for observation in observations] == list(range(1, run.history_length + 1))
    assert run.version <= run.history_length + 1
    accepted = [0, *(observation.n for observation in observations if observation.outcome == "updated")]
    versions = [
        json.loads(b"{%s}" % b",".join(_pairs(version.members)))
        for n in accepted
        if (version := rebuild_version(run, observations[::-1], n)) is not None
    ]
    positions = [snapshots.index(version) for version in versions]
    assert positions == sorted(set(positions))
    stale = [observation.digest for observation in observations if observation.outcome == "stale"]
    assert len(stale) == len(set(stale))
    for observation in observations:
        assert (
            observation.status_before in TERMINAL_RUN_STATUSES
            or observation.outcome == "updated"
            or observation.status_after not in TERMINAL_RUN_STATUSES
        )


def _pairs(members: Any) -> list[bytes]:
    return [json.dumps(name).encode() + b":" + raw for name, raw in members.items()]


def test_new_run_is_created_once() -> None:
    project = factories.make_project()
    reports: list[IngestReport] = []
    posted = [RawItem(0, json.dumps(run_object(id="run_1")).encode())]
    run_concurrently(4, lambda _: reports.append(ingest(project, RUNS, posted)))
    assert sorted(report.outcomes[0].value for report in reports) == ["created", "unchanged", "unchanged", "unchanged"]
    assert (Run.objects.get().version, Configuration.objects.count()) == (1, 1)


def test_configurations_in_opposite_orders_never_deadlock() -> None:
    project = factories.make_project()
    posted = [run_object(model=f"model-{number}") for number in range(60)]

    def work(number: int) -> None:
        for begin in range(0, 60, 20):
            part = posted[begin : begin + 20] if number % 2 else posted[::-1][begin : begin + 20]
            ingest(project, RUNS, as_items(part))

    run_concurrently(4, work)
    assert (Configuration.objects.count(), Run.objects.count()) == (60, 60)


def test_concurrent_steps_end_in_last_states() -> None:
    project = factories.make_project()
    run = run_object()
    ended = [step_object(run, function_call("search"), id=f"step_{number}") for number in range(80)]
    begun = [step | {"status": "in_progress", "completed_at": None, "usage": None} for step in ended]

    def work(number: int) -> None:
        for batch in shuffled_batches([*ended, *begun], seed=number):
            ingest(project, STEPS, batch)

    run_concurrently(4, work)
    by_id = {step["id"]: step for step in ended}
    assert {step.external_id: json.loads(step.as_json()) for step in RunStep.objects.all()} == by_id
    for step in RunStep.objects.all():
        observations = list(find_observations(step))
        assert [observation.n for observation in observations] == list(range(1, step.history_length + 1))
        stale = [observation.digest for observation in observations if observation.outcome == "stale"]
        assert len(stale) == len(set(stale)) <= 1


def test_concurrent_projects_are_independent() -> None:
    spaces = [factories.make_project(slug) for slug in ("one", "two")]
    snapshots = [snapshot for number in range(20) for snapshot in lifecycle(number)]

    def work(number: int) -> None:
        for batch in shuffled_batches(snapshots, seed=number):
            ingest(spaces[number], RUNS, batch)

    run_concurrently(2, work)
    for space in spaces:
        assert {run.external_id: json.loads(run.as_json()) for run in runs_of(space)} == {
            snapshots[-1]["id"]: snapshots[-1] for snapshots in map(lifecycle, range(20))
        }


def runs_of(project: Project) -> Sequence[Run]:
    return list(Run.objects.in_project(project).with_configuration())
