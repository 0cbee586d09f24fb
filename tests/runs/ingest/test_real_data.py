"""Recorded objects of real servers, where RUNGLASS_REAL_DATA names a folder of them.

The folder holds runs.jsonl, steps.jsonl, messages.jsonl and lists.jsonl, an object or a list envelope a line. They are
other people's, so they are not part of this repository.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from runs.ingest import MESSAGES, RECORD_TYPES, RUNS, STEPS, RawItem, ingest, ingest_mixed
from runs.ingest.record_types import RecordType
from runs.models import Project
from runs.protocol.lossless_json import canonical_json, join_members
from tests.runs.objects import as_written
from tests.runs.stored_life import StoredLife

FOLDER = os.environ.get("RUNGLASS_REAL_DATA", "")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="RUNGLASS_REAL_DATA names no folder of recorded objects"),
    pytest.mark.django_db,
]
FILES = [(RUNS, "runs.jsonl"), (STEPS, "steps.jsonl"), (MESSAGES, "messages.jsonl")]
_MAX_ORDERS = 12
# Snapshots with nothing that tells which one is later. The last posted one wins.
_EDITED_METADATA = {
    "msg_9xCFzXJYpT59URyaZlz49jGE",
    "msg_sexhmrJH6Jzp0Zhet4XNK7VI",
    "msg_zeFb8QbCjckAe5SsOJhmHRsl",
    "msg_d8KnM0eF8wGgOcxdil7CJpLL",
}
# Examples of documentation, whose editions contradict each other under one id.
_PLACEHOLDERS = {
    *("run_123", "run_abc123", "run_abc456", "run_5pyUEwhaPk11vCKiDneUWXXY"),
    *("msg_001", "msg_002", "msg_abc123"),
}


def lines(name: str) -> list[bytes]:
    return [line for line in (Path(FOLDER) / name).read_bytes().splitlines() if line.strip()]


def empty_projects() -> Any:
    return (Project.objects.create(slug=f"p{number}", name="p") for number in itertools.count())


def stored(record_type: RecordType, project: Project) -> list[Any]:
    records = record_type.model._default_manager.filter(project=project)
    return [as_written(record.as_json()) for record in records]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("record_type", "name"), FILES, ids=[name for _, name in FILES])
def test_recorded_objects_round_trip(record_type: RecordType, name: str) -> None:
    posted = lines(name)
    assert posted
    for raw, project in zip(posted, empty_projects(), strict=False):
        report = ingest(project, record_type, [RawItem(0, raw)])
        assert (report.errors, report.counts["created"]) == ([], 1)
        assert stored(record_type, project) == [as_written(raw)]


def test_recorded_objects_fit_in_one_request() -> None:
    raws = [raw for _, name in FILES for raw in lines(name)]
    project = next(empty_projects())
    report = ingest_mixed(project, [RawItem(index, raw) for index, raw in enumerate(raws)])
    assert (report.errors, report.counts["rejected"], report.received) == ([], 0, len(raws))


def recorded_lives() -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Return the different snapshots of each record that has several, in lists or by themselves, in recorded order."""
    snapshots = [json.loads(raw) for _, name in FILES for raw in lines(name)]
    snapshots += [item for raw in lines("lists.jsonl") for item in json.loads(raw)["data"]]
    lives: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for snapshot in snapshots:
        if snapshot.get("object") in RECORD_TYPES:
            life = lives[snapshot["object"], snapshot["id"], str(snapshot["created_at"]), str(snapshot["thread_id"])]
            life += [snapshot] if snapshot not in life else []
    return {key: life for key, life in lives.items() if len(life) > 1}


def final_states(record_type: RecordType, snapshots: list[dict[str, Any]]) -> set[bytes]:
    """Return all states in which orders of `snapshots` end."""
    ends = set()
    for order in draw_orders(snapshots):
        life = StoredLife(record_type)
        for snapshot in order:
            life.post([snapshot])
        ends.add(canonical_json(join_members(life.members())))
    return ends


def test_only_contradicting_records_depend_on_order() -> None:
    lives = recorded_lives()
    ambiguous = {key[1] for key, life in lives.items() if len(final_states(RECORD_TYPES[key[0]], life)) > 1}
    assert {key[0] for key in lives} == {"thread.run", "thread.run.step", "thread.message"}
    assert ambiguous == _EDITED_METADATA | _PLACEHOLDERS


def lifecycles() -> list[list[bytes]]:
    """Return the recorded snapshots of each run with several states, in recorded order.

    An id with several times of creation or threads is a documentation's placeholder, not one run.
    """
    by_id: defaultdict[str, list[tuple[dict[str, Any], bytes]]] = defaultdict(list)
    for raw in lines("runs.jsonl"):
        posted = json.loads(raw)
        by_id[posted["id"]].append((posted, raw))
    return [
        [raw for _, raw in snapshots]
        for snapshots in by_id.values()
        if len({posted["status"] for posted, _ in snapshots}) > 1
        and len({(posted["created_at"], posted["thread_id"], posted["assistant_id"]) for posted, _ in snapshots}) == 1
    ]


def draw_orders(snapshots: list[Any]) -> list[list[Any]]:
    """Return all orders of a few snapshots or some orders of many, each with a repetition."""
    rng = random.Random(len(snapshots))
    if len(snapshots) <= 4:
        orders = [list(order) for order in itertools.permutations(snapshots)]
    else:
        orders = [rng.sample(snapshots, len(snapshots)) for _ in range(_MAX_ORDERS)]
    return [[*order, rng.choice(order)] for order in orders]


def test_any_order_of_recorded_lifecycle_ends_alike() -> None:
    recorded = lifecycles()
    assert recorded
    projects = empty_projects()
    for snapshots in recorded:
        for order in draw_orders(snapshots):
            project = next(projects)
            for raw in order:
                assert ingest(project, RUNS, [RawItem(0, raw)]).errors == []
            assert stored(RUNS, project) == [as_written(snapshots[-1])], [json.loads(raw)["status"] for raw in order]
