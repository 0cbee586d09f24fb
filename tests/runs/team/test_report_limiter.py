"""Repeated reports are counted instead of written."""

from __future__ import annotations

import pytest

from runs.team import report_limiter
from runs.team.report_limiter import ReportLimiter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(report_limiter.time, "monotonic", lambda: now[0])
    return now


def test_one_subject_is_reported_once_a_minute(clock: list[float]) -> None:
    limiter = ReportLimiter()
    assert [limiter.admit("a") for _ in range(4)] == [0, None, None, None]
    assert limiter.admit("b") == 0
    clock[0] += 61
    assert limiter.admit("a") == 3


def test_many_subjects_are_bounded_in_all(clock: list[float]) -> None:
    limiter = ReportLimiter(burst=30, interval=6)
    admitted = 0
    for number in range(60_000):
        clock[0] += 0.01
        admitted += limiter.admit(str(number)) is not None
    assert admitted <= 30 + 600 / 6 + 1
    assert len(limiter._subjects) <= 1000
