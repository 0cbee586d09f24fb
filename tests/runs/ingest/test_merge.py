"""Merging: which snapshot is stored, and what the history says. No database."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.ingest import MESSAGES, RUNS, STEPS, RecordType
from runs.ingest.merge import (
    Outcome,
    find_changed_members,
    has_conflicting_end,
    snapshot_order,
)
from runs.protocol import lossless_json
from runs.protocol.run import ACTIVE_RUN_STATUSES, TERMINAL_RUN_STATUSES, RunColumns, parse_run
from tests.factories import (
    NOW,
    function_call,
    function_tool,
    message_object,
    run_object,
    step_object,
    waiting_run,
)
from tests.runs import objects
from tests.runs.lifecycles import lifecycles, message_lifecycles, posted, step_lifecycles
from tests.runs.stored_life import StoredLife

BASE = run_object(id="run_1", created_at=NOW, status="in_progress", started_at=NOW + 5, completed_at=None, usage=None)
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ACTION_A, ACTION_B = ({"required_action": waiting_run(name)["required_action"]} for name in ("refund", "search"))
Snapshot = dict[str, Any]


def outcome_of(record_type: RecordType, stored: Snapshot, then: Snapshot) -> tuple[Outcome, bool]:
    """Return the outcome of a post after another one, and whether the history calls it a conflict."""
    life = StoredLife(record_type)
    life.post([stored])
    outcome = life.post([then]).outcomes[0]
    return outcome, any(entry.conflict for entry in life.entries)


def run_columns(**changes: Any) -> RunColumns:
    return parse_run(lossless_json.split_object(json.dumps(BASE | changes).encode())).columns


# From the earliest to the latest: each one replaces all before it.
LADDER: list[Snapshot] = [
    {"status": "queued", "started_at": None},
    {"status": "in_progress", "started_at": None},
    {"status": "in_progress", "started_at": NOW + 5},
    {"status": "in_progress", "started_at": NOW + 9},
    {"status": "in_progress", "started_at": NOW + 9, "usage": USAGE},
    {"status": "requires_action", "started_at": NOW + 9},
    {"status": "queued", "started_at": NOW + 9},
    {"status": "in_progress", "started_at": NOW + 12},
    {"status": "cancelling", "started_at": None},
    {"status": "cancelling", "started_at": NOW + 9},
    {"status": "cancelled", "started_at": None, "cancelled_at": NOW + 50},
    {"status": "completed", "started_at": NOW + 5, "completed_at": NOW + 60},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 20},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 30},
    {"status": "completed", "started_at": NOW + 9, "completed_at": NOW + 30, "usage": USAGE},
    {"status": "failed", "started_at": NOW + 9, "failed_at": NOW + 31},
]


@pytest.mark.parametrize(
    ("earlier", "later"),
    list(itertools.combinations(range(len(LADDER)), 2)),
    ids=lambda index: LADDER[index]["status"],
)
def test_later_snapshot_wins_in_any_order(earlier: int, later: int) -> None:
    low, high = BASE | LADDER[earlier], BASE | LADDER[later]
    assert outcome_of(RUNS, low, high)[0] is Outcome.UPDATED
    assert outcome_of(RUNS, high, low)[0] is Outcome.STALE


@pytest.mark.parametrize("changes", LADDER, ids=lambda changes: changes["status"])
def test_first_creates_and_repetition_is_unchanged(changes: Snapshot) -> None:
    life = StoredLife()
    assert life.post([BASE | changes]).outcomes == {0: Outcome.CREATED}
    assert life.post([BASE | changes]).outcomes == {0: Outcome.UNCHANGED}


COMPLETED = {"status": "completed", "completed_at": NOW + 9}


@pytest.mark.parametrize(
    ("left", "right", "is_conflict"),
    [
        ({"status": "in_progress"}, {"status": "unheard_of"}, False),
        ({"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}, False),
        ({"metadata": {"a": "1"}}, {"metadata": {}}, False),
        (COMPLETED, {"status": "failed", "failed_at": NOW + 9}, True),
        (COMPLETED | {"usage": USAGE}, COMPLETED | {"usage": USAGE | {"total_tokens": 4}}, True),
        ({"model": "gpt-4"}, {"model": "gpt-4o"}, True),
        ({"tools": [function_tool("a")]}, {"tools": [function_tool("b")]}, True),
        ({"instructions": "Be brief."}, {"instructions": "Be kind."}, True),
        ({"status": "requires_action"} | ACTION_A, {"status": "requires_action"} | ACTION_B, True),
        ({"temperature": 0}, {"temperature": 0.5}, True),
    ],
)
def test_last_posted_of_contradicting_snapshots_wins(left: Snapshot, right: Snapshot, is_conflict: bool) -> None:
    assert snapshot_order(run_columns(**left)) == snapshot_order(run_columns(**right))
    assert outcome_of(RUNS, BASE | left, BASE | right) == (Outcome.UPDATED, is_conflict)
    assert outcome_of(RUNS, BASE | right, BASE | left) == (Outcome.UPDATED, is_conflict)


@pytest.mark.parametrize("terminal", sorted(TERMINAL_RUN_STATUSES))
@pytest.mark.parametrize("active", [*sorted(ACTIVE_RUN_STATUSES), "cancelling", "unheard_of"])
def test_active_snapshot_never_replaces_terminal_one(terminal: str, active: str) -> None:
    late = BASE | {"status": active, "started_at": NOW + 10_000, "usage": USAGE}
    assert outcome_of(RUNS, BASE | {"status": terminal, "started_at": None}, late)[0] is Outcome.STALE


@pytest.mark.parametrize("usage", [USAGE, {"input_tokens": 1, "output_tokens": 1}, {"total_tokens": 0}], ids=str)
@pytest.mark.parametrize("other", [{"usage": None}, {"usage": {}}, {"usage": None, "error": "more"}], ids=str)
def test_snapshot_without_usage_never_replaces_usage(usage: dict[str, int], other: Snapshot) -> None:
    counted, uncounted = BASE | COMPLETED | {"usage": usage}, BASE | COMPLETED | {"metadata": {}} | other
    assert outcome_of(RUNS, counted, uncounted)[0] is Outcome.STALE
    assert outcome_of(RUNS, uncounted, counted)[0] is Outcome.UPDATED


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


def _step(*calls: dict[str, Any], **changes: Any) -> Snapshot:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    begun = {"id": "step_1", "status": "in_progress", "completed_at": None, "usage": None, "step_details": details}
    return step_object(BASE, type="tool_calls") | begun | changes


def _message(**changes: Any) -> Snapshot:
    return message_object(BASE, id="msg_1") | {"created_at": NOW} | changes


@pytest.mark.parametrize(
    ("record_type", "low", "high"),
    [
        (STEPS, _step(), _step(status="completed", completed_at=NOW + 3)),
        (STEPS, _step(status="completed", completed_at=NOW + 3), _step(status="completed", completed_at=NOW + 4)),
        (
            STEPS,
            _step(status="completed", completed_at=NOW + 3),
            _step(status="completed", completed_at=NOW + 3, usage=USAGE),
        ),
        (STEPS, _step(usage=USAGE), _step(status="failed", failed_at=NOW)),
        (MESSAGES, _message(status="in_progress"), _message(status="completed", completed_at=NOW + 3)),
        (MESSAGES, _message(status="in_progress"), _message()),
        (MESSAGES, _message(status="completed"), _message(status="incomplete", incomplete_at=NOW + 3)),
    ],
)
def test_steps_and_messages_use_their_own_times(record_type: RecordType, low: Snapshot, high: Snapshot) -> None:
    assert outcome_of(record_type, low, high)[0] is Outcome.UPDATED
    assert outcome_of(record_type, high, low)[0] is Outcome.STALE


RESULTS = [{"file_id": "file_1", "file_name": "a.txt", "score": 0.5, "content": [{"type": "text", "text": "x" * 999}]}]
SEARCH = {"id": "call_1", "type": "file_search", "file_search": {"ranking_options": {}, "results": RESULTS}}
TEXT = [{"type": "text", "text": {"value": "Hello, world!", "annotations": [{"type": "file_citation", "index": 0}]}}]


def _call(output: str | None = "{}") -> dict[str, Any]:
    return function_call("f", output=output) | {"id": "call_f"}


def _search(**changes: Any) -> dict[str, Any]:
    return SEARCH | {"file_search": SEARCH["file_search"] | changes}  # type: ignore[operator]


def _text(**changes: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": TEXT[0]["text"] | changes}]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("record_type", "full", "less"),
    [
        # listed without include[]=step_details.tool_calls[*].file_search.results[*].content
        (STEPS, _step(SEARCH), _step(_search(results=[RESULTS[0] | {"content": []}]))),
        (STEPS, _step(SEARCH), _step(_search(results=[]))),
        (STEPS, _step(SEARCH), _step(SEARCH | {"file_search": {}})),
        # the event of a new step, received again
        (STEPS, _step(SEARCH), _step(step_details={"type": "tool_calls", "tool_calls": []})),
        (STEPS, _step(SEARCH), _step(step_details=None)),
        (STEPS, _step(SEARCH), {key: value for key, value in _step().items() if key != "step_details"}),
        (STEPS, _step(SEARCH), _step(step_details=None, request_id="req_2", metadata={"a": "b"})),
        # outputs are submitted after the call, calls are added one by one
        (STEPS, _step(_call(output="{}")), _step(_call(output=None))),
        (STEPS, _step(_call(output="long")), _step(_call(output="lo"))),
        (STEPS, _step(_call(), SEARCH), _step(SEARCH)),
        (STEPS, _step(usage=USAGE), _step(usage={"total_tokens": 3})),
        (STEPS, _step(last_error={"code": "server_error", "message": "Sorry."}), _step(last_error=None)),
        (MESSAGES, _message(content=TEXT), _message(content=[])),
        (MESSAGES, _message(content=TEXT), _message(content=_text(value=""))),
        (MESSAGES, _message(content=TEXT), _message(content=_text(value="Hello"))),
        (MESSAGES, _message(content=TEXT), _message(content=_text(annotations=[]), metadata={"a": "b"})),
        (MESSAGES, _message(content=[*TEXT, {"type": "image_file"}]), _message(content=[{"type": "image_file"}])),
        (MESSAGES, _message(attachments=[{"file_id": "file_1"}]), _message(attachments=[])),
        (MESSAGES, _message(vendor_output={"a": 1}), _message()),
        (RUNS, BASE | {"instructions": "You help people."}, BASE | {"instructions": None}),
        (RUNS, BASE | {"instructions": "You help people."}, BASE | {"instructions": "You help"}),
        (RUNS, BASE | {"tools": [function_tool("a"), function_tool("b")]}, BASE | {"tools": [function_tool("b")]}),
        (RUNS, BASE | {"status": "requires_action"} | ACTION_A, BASE | {"status": "requires_action"}),
        (RUNS, BASE, {key: BASE[key] for key in BASE if key not in ("model", "temperature", "tool_choice")}),
        (RUNS, BASE | {"vendor_output": [1]}, BASE | {"vendor_output": []}),
    ],
)
def test_less_never_replaces_more(record_type: RecordType, full: Snapshot, less: Snapshot) -> None:
    assert outcome_of(record_type, full, less) == (Outcome.STALE, False)
    assert outcome_of(record_type, less, full) == (Outcome.UPDATED, False)


@pytest.mark.parametrize(
    ("record_type", "left", "right"),
    [
        (STEPS, _step(_call(output="a")), _step(_call(output="b"))),
        (STEPS, _step(_call()), _step(_call() | {"id": "call_g"})),
        (STEPS, _step(status="completed", completed_at=NOW), _step(status="failed", failed_at=NOW)),
        (MESSAGES, _message(content=TEXT), _message(content=_text(value="Goodbye!"))),
    ],
)
def test_contradicting_content_is_marked_and_kept(record_type: RecordType, left: Snapshot, right: Snapshot) -> None:
    life = StoredLife(record_type)
    for snapshot in (left, right):
        life.post([snapshot])
    assert life.is_same_as(right)
    (entry,) = life.entries
    assert entry.conflict
    assert json.loads(entry.other) == {name: left[name] for name in entry.changed}


@objects.examples(150)
@given(st.data())
def test_any_order_ends_in_last_state(data: st.DataObject) -> None:
    snapshots = data.draw(lifecycles())
    run, ended = StoredLife(), False
    for request in data.draw(posted(snapshots)):
        run.post(request)
        assert not ended or run.status in TERMINAL_RUN_STATUSES
        ended = run.status in TERMINAL_RUN_STATUSES
    assert run.is_same_as(snapshots[-1])


@pytest.mark.parametrize(("record_type", "lives"), [(STEPS, step_lifecycles()), (MESSAGES, message_lifecycles())])
@objects.examples(100)
@given(st.data())
def test_any_order_of_forms_ends_in_fullest(
    record_type: RecordType, lives: st.SearchStrategy[list[Snapshot]], data: st.DataObject
) -> None:
    snapshots = data.draw(lives)
    life = StoredLife(record_type)
    for request in data.draw(posted(snapshots)):
        life.post(request)
    assert life.is_same_as(snapshots[-1])
    assert not any(entry.conflict for entry in life.entries)
    assert life.stored is not None
    assert (life.stored.version, life.stored.history_length) == (life.writes, len(life.entries))


@objects.examples(100)
@given(st.data())
def test_history_is_chain_of_accepted_states(data: st.DataObject) -> None:
    snapshots = data.draw(lifecycles())
    requests = data.draw(posted(snapshots))
    run = StoredLife()
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
    together, apart = StoredLife(), StoredLife()
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
    run = StoredLife()
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
    run = StoredLife()
    for snapshot in (done, late, done | {"model": "other"}, late):
        run.post([snapshot])
    assert [entry.outcome for entry in run.entries] == [Outcome.STALE, Outcome.UPDATED]


def test_changed_members_are_compared_by_value() -> None:
    left = {"a": b"1", "b": b'{"x":1,"y":2}', "c": b"null", "d": b"1"}
    right = {"b": b'{ "y":2, "x":1 }', "c": b"0", "d": b"1.0", "e": b"null"}
    assert find_changed_members(left, right) == ["a", "c", "d", "e"]
