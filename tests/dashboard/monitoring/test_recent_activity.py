"""Slow reads and refusals are kept within bounds, across workers and their replacement."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dashboard.monitoring import recent_activity
from dashboard.monitoring.recent_activity import (
    MAX_REFUSALS,
    MAX_SLOW_REQUESTS,
    SLOW_HOURS,
    RecentActivity,
    read_recent_activity,
)
from dashboard.monitoring.request_record import RequestRecord


def make_record(seconds: float, method: str = "GET") -> RequestRecord:
    now = time.monotonic()
    return RequestRecord(
        "id", method, "/", "10.0.0.1", started=now - seconds, ended=now, route="runs", question="q" * 999
    )


def test_slowest_reads_of_all_workers_are_kept(tmp_path: Path) -> None:
    for worker in range(2):
        activity = RecentActivity()
        for seconds in range(2, 40):
            activity.note_request(make_record(seconds + worker / 2))
            activity.note_request(make_record(1000, "POST"))
        activity.note_request(make_record(0.5))
        activity.write(tmp_path, f"worker-{worker}")
    slow, _ = read_recent_activity(tmp_path)
    assert [request.seconds for request in slow[:4]] == [39.5, 39, 38.5, 38]
    assert len(slow) == MAX_SLOW_REQUESTS
    assert len(slow[0].question) == 200


def test_old_reads_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    activity = RecentActivity()
    activity.note_request(make_record(5))
    activity.write(tmp_path, "worker-1")
    later = time.time() + SLOW_HOURS * 3600 + 1
    monkeypatch.setattr(recent_activity.time, "time", lambda: later)
    assert read_recent_activity(tmp_path) == ([], [])


def test_replaced_worker_resumes_its_activity(tmp_path: Path) -> None:
    first, second = RecentActivity(), RecentActivity()
    first.note_refusal("busy", "pages", "10.0.0.1")
    first.write(tmp_path, "worker-1")
    second.resume(tmp_path, "worker-1")
    for _ in range(MAX_REFUSALS + 5):
        second.note_refusal("too_many_requests", "downloads", "10.0.0.2")
    second.write(tmp_path, "worker-1")
    _, refusals = read_recent_activity(tmp_path)
    assert {refusal.reason for refusal in refusals} == {"too_many_requests"}
    assert len(refusals) == MAX_REFUSALS


def test_broken_file_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "activity-worker-1.json").write_bytes(b'{"slow": [')
    assert read_recent_activity(tmp_path) == ([], [])
