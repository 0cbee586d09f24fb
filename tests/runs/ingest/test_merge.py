"""The order of snapshots decides which one is stored."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from runs.ingest.merge import Outcome, RecordColumns, compare_snapshots, has_conflicting_end, snapshot_order
from runs.protocol import lossless_json, message, run, step
from runs.protocol.run import RunColumns
from tests.factories import NOW, message_object, run_object, step_object

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
    return run.parse_run(lossless_json.split_object(json.dumps(BASE | changes).encode())).columns


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


@pytest.mark.parametrize("terminal", sorted(run.TERMINAL_RUN_STATUSES))
@pytest.mark.parametrize("active", [*sorted(run.ACTIVE_RUN_STATUSES), "cancelling", "unheard_of", ""])
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
    posted = step_object(BASE, id="step_1", usage=None, completed_at=None, status="in_progress") | changes
    return step.parse_step(lossless_json.split_object(json.dumps(posted).encode()))


def _message(**changes: Any) -> RecordColumns:
    posted = message_object(BASE, id="msg_1") | {"created_at": NOW} | changes
    return message.parse_message(lossless_json.split_object(json.dumps(posted).encode()))


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
