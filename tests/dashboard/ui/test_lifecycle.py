"""The lifecycle bar of a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.ui.lifecycle import build_lifecycle
from dashboard.ui.lifecycle_segments import LifecycleSegment
from dashboard.ui.run_clock import is_run_ongoing, is_run_overdue
from runs.analytics.run_steps import total_steps
from runs.analytics.run_turns import find_run_turns
from runs.models import Run, RunStep

CREATED_AT = datetime(2026, 11, 20, 14, 27, 54, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """Return the time so many seconds after the creation of the run."""
    return CREATED_AT + timedelta(seconds=seconds)


def make_run(status: str, **seconds: float) -> Run:
    """Return a run whose timestamps are given in seconds after its creation."""
    return Run(status=status, created_at=CREATED_AT, **{name: after(value) for name, value in seconds.items()})


def lifecycle(run: Run, now: float = 100, steps: tuple[RunStep, ...] = (), **turns: Any) -> list[LifecycleSegment]:
    """Return the segments of a run with those steps, and with further facts about its turns."""
    totals = total_steps(steps)
    return build_lifecycle(run, totals, find_run_turns(run, totals, **turns), after(now))


def describe(
    run: Run, now: float = 100, steps: tuple[RunStep, ...] = (), **turns: Any
) -> list[tuple[str, str, str, bool]]:
    """Return the kind, label and duration of each segment, and whether it is ongoing."""
    segments = lifecycle(run, now, steps, **turns)
    return [(segment.kind, segment.label, segment.duration, segment.is_ongoing) for segment in segments]


def test_failed_run_has_four_segments() -> None:
    failed = make_run("failed", started_at=1, failed_at=43, ended_at=43, expires_at=600)
    assert describe(failed) == [
        ("q", "Queued", "1 s", False),
        ("r", "In progress", "42 s", False),
        ("end", "Failed", "", False),
        ("x", "Would have expired", "", False),
    ]
    notes = [segment.note for segment in lifecycle(failed)]
    assert notes == ["from 14:27:54", "from 14:27:55", "14:28:37", "14:37:54, 9 min 17 s later"]


def test_precision_is_that_of_the_timestamps() -> None:
    seconds = lifecycle(make_run("completed", started_at=1, ended_at=9))
    assert [segment.duration for segment in seconds[:2]] == ["1 s", "8 s"]
    milliseconds = lifecycle(make_run("completed", started_at=0.25, ended_at=8.15))
    assert [segment.duration for segment in milliseconds[:2]] == ["250 ms", "7.9 s"]
    assert milliseconds[0].note == "from 14:27:54.000"


def test_equal_timestamps_are_less_than_a_second() -> None:
    assert describe(make_run("completed", started_at=0, ended_at=0))[0] == ("q", "Queued", "< 1 s", False)


def call_step(begin: float, end: float | None) -> RunStep:
    """Return a step that calls a function and gets its output at the end."""
    ended_at = None if end is None else after(end)
    return RunStep(created_at=after(begin), status="completed", ended_at=ended_at, tool_types=["function"])


def message_step(begin: float, end: float) -> RunStep:
    return RunStep(created_at=after(begin), status="completed", ended_at=after(end))


TOOL_ROUNDS = (call_step(1, 9), call_step(9.5, 11.5), message_step(12, 13))


def spans(segments: list[tuple[str, str, str, bool]]) -> list[tuple[str, str]]:
    return [(label, duration) for kind, label, duration, _ in segments if kind not in ("end", "x")]


@pytest.mark.parametrize(
    ("steps", "starts", "expected"),
    [
        (TOOL_ROUNDS, (), [
            ("Queued", "1.0 s"), ("Waiting for outputs", "8.0 s"), ("In progress", "500 ms"),
            ("Waiting for outputs", "2.0 s"), ("In progress", "1.5 s")]),
        ((call_step(3, 7), message_step(11.5, 12)), (2,), [
            ("Queued", "2.0 s"), ("In progress", "1.0 s"), ("Waiting for outputs", "4.0 s"), ("Queued", "4.5 s"),
            ("In progress", "1.5 s")]),
        ((), (2,), [("Queued", "2.0 s"), ("In progress, then waiting", "9.5 s"), ("In progress", "1.5 s")]),
        ((), (None,), [("Queued", "11.5 s"), ("In progress", "1.5 s")]),
        ((), (), [("Before the last turn", "11.5 s"), ("In progress", "1.5 s")]),
    ],
    ids=["steps alone", "steps and history", "history alone", "seen in queue", "last turn only"],
)  # fmt: skip
def test_tool_rounds_are_drawn_as_they_were(
    steps: tuple[RunStep, ...], starts: tuple[float | None, ...], expected: list[tuple[str, str]]
) -> None:
    resumed = make_run("completed", started_at=11.5, ended_at=13)
    earlier = [None if start is None else after(start) for start in starts]
    segments = describe(resumed, steps=steps, earlier_starts=earlier, may_pause=True)
    assert spans(segments) == expected


def test_run_without_functions_had_one_turn() -> None:
    assert describe(make_run("completed", started_at=11, ended_at=12))[0][:3] == ("q", "Queued", "11 s")


def test_many_turns_are_folded() -> None:
    rounds = tuple(call_step(2 * turn, 2 * turn + 1) for turn in range(1, 40))
    segments = lifecycle(make_run("completed", started_at=1, ended_at=100), 200, rounds)
    assert len(segments) == 11
    assert [segment.label for segment in segments if segment.kind == "more"] == ["71 more segments"]
    begins = [segment.begin for segment in segments]
    assert begins == sorted(begins, key=lambda begin: begin or CREATED_AT)


def test_wait_begins_with_the_open_step() -> None:
    waiting = make_run("requires_action", started_at=1, expires_at=600)
    step = RunStep(created_at=after(5), status="in_progress")
    assert describe(waiting, now=228, steps=(step,)) == [
        ("q", "Queued", "1 s", False),
        ("r", "In progress", "4 s", False),
        ("w", "Requires action", "3 min 43 s", True),
        ("x", "Expires in", "6 min 12 s", False),
    ]


def test_begin_of_wait_is_unknown_without_steps() -> None:
    labels = [label for _, label, _, _ in describe(make_run("requires_action", started_at=1, expires_at=600))]
    assert labels == ["Queued", "In progress, then waiting", "Expires in"]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (make_run("queued"), [("q", "Queued", "1 min 40 s", True)]),
        (make_run("completed", ended_at=5), [("r", "Queued and in progress", "5 s", False)]),
        (make_run("cancelled", ended_at=5), [("q", "Not started", "5 s", False), ("end", "Cancelled", "", False)]),
        (make_run("completed", started_at=1), [("q", "Queued", "1 s", False), ("r", "In progress", "", False)]),
        (
            make_run("failed", started_at=9, ended_at=3),
            [("q", "Queued", "9 s", False), ("r", "In progress", "", False)],
        ),
        (make_run("on_hold", started_at=1), [("q", "Queued", "1 s", False), ("r", "on_hold", "", False)]),
        (make_run("expired", started_at=1, ended_at=60, expires_at=60), [("q", "Queued", "1 s", False)]),
    ],
    ids=["queued", "start not sent", "never started", "end not sent", "end before start", "unknown status", "expired"],
)
def test_unusual_timestamps_are_accepted(run: Run, expected: list[tuple[str, str, str, bool]]) -> None:
    segments = describe(run)
    assert segments[: len(expected)] == expected
    assert not [segment for segment in segments if segment[0] == "x"]


def test_run_past_its_expiry_is_not_ongoing() -> None:
    abandoned = make_run("in_progress", started_at=1, expires_at=60)
    assert is_run_overdue(abandoned, after(61))
    assert not is_run_ongoing(abandoned, after(61))
    assert describe(abandoned, now=61)[1:] == [("r", "In progress", "", False), ("x", "Expiry passed", "", False)]


def test_longer_segments_are_wider() -> None:
    queued, running, end = lifecycle(make_run("completed", started_at=1, ended_at=100), 200)
    assert (queued.width, running.width, end.width) == (1, 9, 0)


def test_segment_of_unknown_length_takes_the_rest() -> None:
    queued, running, _ = lifecycle(make_run("expired", started_at=2))
    assert (queued.duration, queued.width, running.duration, running.width) == ("2 s", 1, "", 9)


def test_completed_steps_are_not_waited_for() -> None:
    steps = [RunStep(created_at=after(1), status="completed"), RunStep(created_at=after(2), status="in_progress")]
    assert total_steps(steps).waiting_since == after(2)
    assert total_steps(steps[:1]).waiting_since is None
