"""Merging many posts of one record, in any order and any number of requests. No database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
    drop_recorded_entries,
    find_changed_members,
)
from runs.ingest.record_types import ParsedRecord
from runs.models import Project
from runs.protocol import lossless_json
from runs.protocol.run import TERMINAL_RUN_STATUSES, RunColumns
from tests.runs import objects
from tests.runs.lifecycles import as_bytes, lifecycles, posted

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
