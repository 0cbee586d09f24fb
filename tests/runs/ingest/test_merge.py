"""Merging: which snapshot is stored, and what the history of a run says. No database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from runs.ingest import RUNS
from runs.ingest.merge import (
    HistoryEntry,
    MergePlan,
    Outcome,
    Receipt,
    StoredRecord,
    build_merge_plan,
    compare_snapshots,
    drop_recorded_entries,
    find_changed_members,
    has_conflicting_end,
    snapshot_order,
)
from runs.ingest.record_types import ParsedRecord, RecordColumns
from runs.models import Project
from runs.protocol import lossless_json
from runs.protocol.message import parse_message
from runs.protocol.run import ACTIVE_RUN_STATUSES, TERMINAL_RUN_STATUSES, RunColumns, parse_run
from runs.protocol.step import parse_step
from tests.factories import NOW, message_object, run_object, step_object
from tests.runs import objects
from tests.runs.lifecycles import as_bytes, lifecycles, posted

BASE = run_object(id="run_1", created_at=NOW, status="in_progress", started_at=NOW + 5, completed_at=None, usage=None)
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
# From the earliest to the latest: each one replaces all before it.
LADDER: list[dict[str, Any]] = [
    {"status": "queued", "started_at": None},
    {"status": "in_progress", "started_at": NOW + 5},
    {"status": "requires_action", "started_at": NOW + 9},
    {"status": "in_progress", "started_at": NOW + 9, "usage": USAGE},
    {"status": "cancelling", "started_at": None},
    {"status": "cancelling", "started_at": NOW + 9},
    {"status": "cancelled", "started_at": None, "cancelled_at": NOW + 50},
    {"status": "completed", "started_at": NOW + 5, "completed_at": NOW + 60},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 20},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 30},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 30, "usage": USAGE},
    {"status": "failed", "started_at": NOW + 9, "failed_at": NOW + 31},
]


def run_columns(**changes: Any) -> RunColumns:
    return parse_run(lossless_json.split_object(json.dumps(BASE | changes).encode())).columns


@pytest.mark.parametrize(
    ("earlier", "later"),
    list(itertools.combinations(range(len(LADDER)), 2)),
    ids=lambda index: LADDER[index]["status"],
)
def test_later_snapshot_wins_in_any_order(earlier: int, later: int) -> None:
    low, high = run_columns(**LADDER[earlier]), run_columns(**LADDER[later])
    assert compare_snapshots(low, high) is Outcome.UPDATED
    assert compare_snapshots(high, low) is Outcome.STALE


@pytest.mark.parametrize("changes", LADDER, ids=lambda changes: changes["status"])
def test_first_creates_and_repetition_is_unchanged(changes: dict[str, Any]) -> None:
    assert compare_snapshots(None, run_columns(**changes)) is Outcome.CREATED
    assert compare_snapshots(run_columns(**changes), run_columns(**changes)) is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"status": "in_progress"}, {"status": "requires_action"}),
        ({"status": "queued"}, {"status": "unheard_of"}),
        ({"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}),
        ({"status": "completed", "completed_at": NOW + 9}, {"status": "failed", "failed_at": NOW + 9}),
        (
            {"status": "completed", "usage": USAGE},
            {"status": "completed", "usage": USAGE | {"total_tokens": 4}},
        ),
    ],
)
def test_last_posted_of_equally_late_wins(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert snapshot_order(run_columns(**left)) == snapshot_order(run_columns(**right))
    assert compare_snapshots(run_columns(**left), run_columns(**right)) is Outcome.UPDATED
    assert compare_snapshots(run_columns(**right), run_columns(**left)) is Outcome.UPDATED


@pytest.mark.parametrize("terminal", sorted(TERMINAL_RUN_STATUSES))
@pytest.mark.parametrize("active", [*sorted(ACTIVE_RUN_STATUSES), "cancelling", "unheard_of", ""])
def test_active_snapshot_never_replaces_terminal_one(terminal: str, active: str) -> None:
    late = run_columns(status=active, started_at=NOW + 10_000, usage=USAGE)
    assert compare_snapshots(run_columns(status=terminal, started_at=None), late) is Outcome.STALE


@pytest.mark.parametrize("usage", [USAGE, {"input_tokens": 1, "output_tokens": 1}, {"total_tokens": 0}], ids=str)
def test_snapshot_without_usage_never_replaces_usage(usage: dict[str, int]) -> None:
    ended = {"status": "completed", "completed_at": NOW + 9}
    assert (
        compare_snapshots(run_columns(**ended, usage=usage), run_columns(**ended, usage=None, metadata={}))
        is Outcome.STALE
    )
    assert compare_snapshots(run_columns(**ended, usage=usage), run_columns(**ended, usage={})) is Outcome.STALE


@pytest.mark.parametrize(
    ("left", "right", "conflict"),
    [
        ("completed", "failed", True),
        ("expired", "cancelled", True),
        ("completed", "completed", False),
        ("in_progress", "completed", False),
        ("completed", "cancelling", False),
        ("completed", "unheard_of", False),
    ],
)
def test_only_different_terminal_statuses_conflict(left: str, right: str, conflict: bool) -> None:
    assert has_conflicting_end(run_columns(status=left), run_columns(status=right)) is conflict
    assert has_conflicting_end(run_columns(status=right), run_columns(status=left)) is conflict


def _step(**changes: Any) -> RecordColumns:
    snapshot = step_object(BASE, id="step_1", usage=None, completed_at=None, status="in_progress") | changes
    return parse_step(lossless_json.split_object(json.dumps(snapshot).encode()))


def _message(**changes: Any) -> RecordColumns:
    snapshot = message_object(BASE, id="msg_1") | {"created_at": NOW} | changes
    return parse_message(lossless_json.split_object(json.dumps(snapshot).encode()))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (_step(), _step(status="completed", completed_at=NOW + 3)),
        (_step(status="completed", completed_at=NOW + 3), _step(status="completed", completed_at=NOW + 4)),
        (
            _step(status="completed", completed_at=NOW + 3),
            _step(status="completed", completed_at=NOW + 3, usage=USAGE),
        ),
        (_step(usage=USAGE), _step(status="failed", failed_at=NOW)),
        (_message(status="in_progress"), _message(status="completed", completed_at=NOW + 3)),
        (_message(status="in_progress"), _message()),
        (_message(status="completed"), _message(status="incomplete", incomplete_at=NOW + 3)),
    ],
)
def test_steps_and_messages_use_their_own_times(low: RecordColumns, high: RecordColumns) -> None:
    assert compare_snapshots(low, high) is Outcome.UPDATED
    assert compare_snapshots(high, low) is Outcome.STALE


PROJECT = Project(pk=1, slug="plan")


@dataclass
class StoredRun:
    """A run as a database would store it."""

    stored: StoredRecord | None = None
    entries: list[HistoryEntry] = field(default_factory=list)
    bodies: dict[Any, str] = field(default_factory=dict)
    writes: int = 0

    def post(self, snapshots: Sequence[dict[str, Any]]) -> MergePlan:
        records = [self._parse(index, snapshot) for index, snapshot in enumerate(snapshots)]
        plan = build_merge_plan(RUNS, self.stored, records, self.bodies, Receipt(timezone.now()))
        drop_recorded_entries(plan, {entry.digest for entry in self.entries})
        if plan.must_write:
            self.stored = plan.after
            self.entries += plan.history
            self.writes += 1
        return plan

    def members(self) -> dict[str, bytes]:
        assert self.stored is not None
        assert self.stored.configuration_id is not None
        return RUNS.build_members(self.stored.columns, self.bodies[self.stored.configuration_id])

    @property
    def status(self) -> str:
        assert self.stored is not None
        assert isinstance(self.stored.columns, RunColumns)
        return self.stored.columns.status

    def _parse(self, index: int, snapshot: dict[str, Any]) -> ParsedRecord:
        record = RUNS.parse(PROJECT, index, lossless_json.split_object(as_bytes(snapshot)))
        assert record.configuration is not None
        self.bodies[record.configuration_id] = record.configuration.body
        return record


@objects.examples(150)
@given(st.data())
def test_any_order_ends_in_last_state(data: st.DataObject) -> None:
    snapshots = data.draw(lifecycles())
    run, ended = StoredRun(), False
    for request in data.draw(posted(snapshots)):
        run.post(request)
        assert not ended or run.status in TERMINAL_RUN_STATUSES
        ended = run.status in TERMINAL_RUN_STATUSES
    assert lossless_json.is_same_json(lossless_json.join_members(run.members()), as_bytes(snapshots[-1]))


@objects.examples(100)
@given(st.data())
def test_history_is_chain_of_accepted_states(data: st.DataObject) -> None:
    snapshots = data.draw(lifecycles())
    requests = data.draw(posted(snapshots))
    run = StoredRun()
    for request in requests:
        run.post(request)
    assert run.stored is not None
    assert run.stored.version == run.writes
    assert run.stored.history_length == len(run.entries)
    status = requests[0][0]["status"]
    for entry in run.entries:
        assert entry.status_before == status
        assert entry.changed
        if entry.outcome is Outcome.UPDATED:
            assert not (status in TERMINAL_RUN_STATUSES and entry.status_after not in TERMINAL_RUN_STATUSES)
            status = entry.status_after
    assert status == snapshots[-1]["status"]
    stale = [entry.digest for entry in run.entries if entry.outcome is Outcome.STALE]
    assert len(stale) == len(set(stale))


@objects.examples(60)
@given(st.data())
def test_history_is_independent_of_request_boundaries(data: st.DataObject) -> None:
    requests = data.draw(posted(data.draw(lifecycles())))
    together, apart = StoredRun(), StoredRun()
    together.post([snapshot for request in requests for snapshot in request])
    for request in requests:
        for snapshot in request:
            apart.post([snapshot])
    assert together.entries == apart.entries
    assert lossless_json.is_same_json(
        lossless_json.join_members(together.members()), lossless_json.join_members(apart.members())
    )


@objects.examples(60)
@given(st.data())
def test_repetition_changes_nothing(data: st.DataObject) -> None:
    requests = data.draw(posted(data.draw(lifecycles())))
    run = StoredRun()
    for request in requests:
        run.post(request)
    run.post(requests[0])  # the very first state had no entry of its own
    before = (run.stored, list(run.entries), run.writes)
    for request in requests:
        assert run.post(request).is_only_seen
    assert (run.stored, run.entries, run.writes) == before


def test_stale_post_is_recorded_once() -> None:
    late = {
        "id": "r",
        "object": "thread.run",
        "created_at": 1,
        "thread_id": "t",
        "assistant_id": "a",
        "status": "queued",
    }
    done = late | {"status": "completed", "completed_at": 9}
    run = StoredRun()
    for snapshot in (done, late, done | {"model": "other"}, late):
        run.post([snapshot])
    assert [entry.outcome for entry in run.entries] == [Outcome.STALE, Outcome.UPDATED]


def test_changed_members_are_compared_by_value() -> None:
    left = {"a": b"1", "b": b'{"x":1,"y":2}', "c": b"null", "d": b"1"}
    right = {"b": b'{ "y":2, "x":1 }', "c": b"0", "d": b"1.0", "e": b"null"}
    assert find_changed_members(left, right) == ["a", "c", "d", "e"]
