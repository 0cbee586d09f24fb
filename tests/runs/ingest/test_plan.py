"""Merging many posts of one record: where every order ends, and what its history says. No database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from runs.ingest import RUNS
from runs.ingest.merge import Outcome
from runs.ingest.merge_plan import (
    HistoryEntry,
    MergePlan,
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
class Memory:
    """What a database would hold of one run."""

    held: StoredRecord | None = None
    entries: list[HistoryEntry] = field(default_factory=list)
    bodies: dict[Any, str] = field(default_factory=dict)
    writes: int = 0

    def post(self, snapshots: Sequence[dict[str, Any]]) -> MergePlan:
        posts = [self._parsed(index, snapshot) for index, snapshot in enumerate(snapshots)]
        planned = build_merge_plan(RUNS, self.held, posts, self.bodies, Receipt(timezone.now()))
        drop_recorded_entries(planned, {entry.digest for entry in self.entries})
        if planned.writes:
            self.held = planned.held
            self.entries += planned.entries
            self.writes += 1
        return planned

    def members(self) -> dict[str, bytes]:
        assert self.held is not None
        assert self.held.configuration_id is not None
        return RUNS.members(self.held.record, self.bodies[self.held.configuration_id])

    @property
    def status(self) -> str:
        assert self.held is not None
        assert isinstance(self.held.record, RunColumns)
        return self.held.record.status

    def _parsed(self, index: int, snapshot: dict[str, Any]) -> ParsedRecord:
        post = RUNS.parse(PROJECT, index, lossless_json.split_object(as_bytes(snapshot)))
        assert post.configuration is not None
        self.bodies[post.configuration_id] = post.configuration.body
        return post


@objects.examples(150)
@given(st.data())
def test_any_order_and_any_repetition_of_one_life_ends_in_its_last_state(data: st.DataObject) -> None:
    life = data.draw(lifecycles())
    memory, ended = Memory(), False
    for request in data.draw(posted(life)):
        memory.post(request)
        assert not ended or memory.status in TERMINAL_RUN_STATUSES
        ended = memory.status in TERMINAL_RUN_STATUSES
    assert lossless_json.is_same_json(lossless_json.join_members(memory.members()), as_bytes(life[-1]))


@objects.examples(100)
@given(st.data())
def test_the_history_is_a_chain_of_accepted_states(data: st.DataObject) -> None:
    life = data.draw(lifecycles())
    requests = data.draw(posted(life))
    memory = Memory()
    for request in requests:
        memory.post(request)
    assert memory.held is not None
    assert memory.held.version == memory.writes
    assert memory.held.history_length == len(memory.entries)
    status = requests[0][0]["status"]
    for entry in memory.entries:
        assert entry.status_before == status
        assert entry.changed
        if entry.outcome is Outcome.UPDATED:
            assert not (status in TERMINAL_RUN_STATUSES and entry.status_after not in TERMINAL_RUN_STATUSES)
            status = entry.status_after
    assert status == life[-1]["status"]
    stale = [entry.digest for entry in memory.entries if entry.outcome is Outcome.STALE]
    assert len(stale) == len(set(stale))


@objects.examples(60)
@given(st.data())
def test_the_history_does_not_depend_on_how_posts_are_split_into_requests(data: st.DataObject) -> None:
    requests = data.draw(posted(data.draw(lifecycles())))
    together, apart = Memory(), Memory()
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
def test_posting_everything_again_changes_nothing(data: st.DataObject) -> None:
    requests = data.draw(posted(data.draw(lifecycles())))
    memory = Memory()
    for request in requests:
        memory.post(request)
    memory.post(requests[0])  # the very first state had no entry of its own
    before = (memory.held, list(memory.entries), memory.writes)
    for request in requests:
        assert memory.post(request).is_seen_again
    assert (memory.held, memory.entries, memory.writes) == before


def test_a_late_post_is_recorded_once_even_if_the_configuration_changes_between() -> None:
    late = {
        "id": "r",
        "object": "thread.run",
        "created_at": 1,
        "thread_id": "t",
        "assistant_id": "a",
        "status": "queued",
    }
    done = late | {"status": "completed", "completed_at": 9}
    memory = Memory()
    for snapshot in (done, late, done | {"model": "other"}, late):
        memory.post([snapshot])
    assert [entry.outcome for entry in memory.entries] == [Outcome.STALE, Outcome.UPDATED]


def test_differing_names_what_says_something_else() -> None:
    left = {"a": b"1", "b": b'{"x":1,"y":2}', "c": b"null", "d": b"1"}
    right = {"b": b'{ "y":2, "x":1 }', "c": b"0", "d": b"1.0", "e": b"null"}
    assert find_changed_members(left, right) == ["a", "c", "d", "e"]
