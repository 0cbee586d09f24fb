"""The bar of a run's life says what its timestamps say, and nothing more precise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ui.lifecycle import build_lifecycle, is_run_ongoing, is_run_overdue, waiting_since
from runs.models import Run, RunStep

T = datetime(2026, 11, 20, 14, 27, 54, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def run(status: str, **moments: float) -> Run:
    return Run(status=status, **{"created_at": T} | {name: at(value) for name, value in moments.items()})


def told(run: Run, now: float = 100, steps: tuple[RunStep, ...] = ()) -> list[tuple[str, str, str, bool]]:
    segments = build_lifecycle(run, steps, at(now))
    return [(each.kind, each.label, each.duration, each.is_ongoing) for each in segments]


def test_a_failed_run_was_queued_then_ran_then_failed_before_its_expiry():
    failed = run("failed", started_at=1, failed_at=43, ended_at=43, expires_at=600)
    assert told(failed) == [
        ("q", "Queued", "1 s", False),
        ("r", "In progress", "42 s", False),
        ("end", "Failed", "", False),
        ("x", "Would have expired", "", False),
    ]
    notes = [segment.note for segment in build_lifecycle(failed, (), at(100))]
    assert notes == ["from 14:27:54", "from 14:27:55", "14:28:37", "14:37:54, 9 min 17 s later"]


def test_whole_seconds_get_no_decimals_and_milliseconds_keep_theirs():
    seconds = build_lifecycle(run("completed", started_at=1, ended_at=9), (), at(100))
    assert [each.duration for each in seconds[:2]] == ["1 s", "8 s"]
    finer = build_lifecycle(run("completed", started_at=0.25, ended_at=8.15), (), at(100))
    assert [each.duration for each in finer[:2]] == ["250 ms", "7.9 s"]
    assert finer[0].note == "from 14:27:54.000"


def test_equal_whole_seconds_are_less_than_one_not_zero():
    assert told(run("completed", started_at=0, ended_at=0))[0] == ("q", "Queued", "< 1 s", False)


def test_time_before_a_resumed_start_is_not_called_the_queue():
    resumed = run("completed", started_at=30, ended_at=40)
    step = RunStep(created_at=at(2), status="completed", ended_at=at(5))
    assert told(resumed, steps=(step,))[0][1] == "Queued and earlier turns"


def test_a_waiting_run_waits_since_its_open_step():
    waiting = run("requires_action", started_at=1, expires_at=600)
    step = RunStep(created_at=at(5), status="in_progress")
    assert told(waiting, now=228, steps=(step,)) == [
        ("q", "Queued", "1 s", False),
        ("r", "In progress", "4 s", False),
        ("w", "Requires action", "3 m 43 s", True),
        ("x", "Expires in", "6 min 12 s", False),
    ]


def test_without_steps_the_beginning_of_the_wait_is_not_invented():
    labels = [each[1] for each in told(run("requires_action", started_at=1, expires_at=600))]
    assert labels == ["Queued", "In progress, then waiting", "Expires in"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (run("queued"), [("q", "Queued", "1 m 40 s", True)]),
        (run("cancelled", ended_at=5), [("q", "Not started", "5 s", False), ("end", "Cancelled", "", False)]),
        (run("completed", started_at=1), [("q", "Queued", "1 s", False), ("r", "In progress", "", False)]),
        (
            run("failed", started_at=9, ended_at=3),
            [("q", "Queued", "9 s", False), ("r", "In progress", "", False)],
        ),
        (run("on_hold", started_at=1), [("q", "Queued", "1 s", False), ("r", "on_hold", "", False)]),
        (run("expired", started_at=1, ended_at=60, expires_at=60), [("q", "Queued", "1 s", False)]),
    ],
    ids=["queued", "never started", "end not sent", "end before start", "unknown status", "expired"],
)
def test_odd_timestamps_claim_nothing(given, expected):
    assert told(given)[: len(expected)] == expected
    assert not [each for each in told(given) if each[0] == "x"]


def test_an_active_run_past_its_expiry_does_not_go_on():
    forgotten = run("in_progress", started_at=1, expires_at=60)
    assert is_run_overdue(forgotten, at(61))
    assert not is_run_ongoing(forgotten, at(61))
    assert told(forgotten, now=61)[1:] == [("r", "In progress", "", False), ("x", "Expiry passed", "", False)]


def test_wider_segments_are_those_that_took_longer():
    queued, ran, end = build_lifecycle(run("completed", started_at=1, ended_at=100), (), at(200))
    assert (queued.width, ran.width, end.width) == (1, 9, 0)


def test_only_open_steps_are_waited_for():
    steps = [RunStep(created_at=at(1), status="completed"), RunStep(created_at=at(2), status="in_progress")]
    assert waiting_since(steps) == at(2)
    assert waiting_since(steps[:1]) is None
