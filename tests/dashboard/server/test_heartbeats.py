"""Tests of noticing hung processes."""

from __future__ import annotations

import pytest

from dashboard.server import heartbeats
from dashboard.server.heartbeats import HANG_SECONDS, STARTUP_SECONDS, Heartbeats


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: now[0])
    return now


def pass_time(clock: list[float], beats: Heartbeats, seconds: float, *, alive: int | None = None) -> list[int]:
    """Return who hangs after some seconds in which only `alive` gives signs of life."""
    for _ in range(int(seconds)):
        clock[0] += 1
        if alive is not None:
            beats.beat(alive)
        hung = beats.find_hung()
    return hung


def test_silent_process_is_found(clock) -> None:
    beats = Heartbeats(2)
    beats.beat(0)
    beats.beat(1)

    assert pass_time(clock, beats, HANG_SECONDS, alive=0) == []
    assert pass_time(clock, beats, 1, alive=0) == [1]


def test_starting_process_has_more_time(clock) -> None:
    beats = Heartbeats(1)

    assert pass_time(clock, beats, STARTUP_SECONDS) == []
    assert pass_time(clock, beats, 1) == [0]


def test_pause_of_all_processes_is_no_hang(clock) -> None:
    beats = Heartbeats(1)
    beats.beat(0)

    clock[0] += 3600
    assert beats.find_hung() == []
    assert pass_time(clock, beats, HANG_SECONDS) == []
    assert pass_time(clock, beats, 1) == [0]


def test_stuck_process_is_found_at_once(clock) -> None:
    beats = Heartbeats(1)
    beats.beat(0)
    assert pass_time(clock, beats, 1) == []

    beats.beat(0, is_stuck=True)
    assert pass_time(clock, beats, 1) == [0]
