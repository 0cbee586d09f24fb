"""Tests that a deadlock is told from everything else that a thread may wait for."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from dashboard.server import lock_waits
from dashboard.server.lock_waits import LockWait

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread waits for")
SAMPLES = 12


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "DEADLOCK_SECONDS", 0.3)


def count_deadlock_samples(work: Callable[[threading.Event], object]) -> int:
    """Return in how many samples of a second a thread that does `work` is in a deadlock."""
    ended, waits = threading.Event(), []

    def run() -> None:
        waits.append(LockWait())
        work(ended)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    samples = 0
    for _ in range(SAMPLES):
        time.sleep(1 / SAMPLES)
        samples += waits[0].is_deadlock(time.monotonic())
    ended.set()
    thread.join(5)
    return samples


def test_wait_for_a_lock_is_a_deadlock() -> None:
    assert count_deadlock_samples(lambda ended: ended.wait()) >= SAMPLES // 3


def compute(ended: threading.Event) -> None:
    while not ended.is_set():
        pass


def take_lock_repeatedly(ended: threading.Event) -> None:
    lock = threading.Lock()
    while not ended.is_set():
        with lock:
            time.sleep(0.01)


@pytest.mark.parametrize(
    "work",
    [
        compute,
        take_lock_repeatedly,
        lambda ended: ended.wait(1.5),
        lambda _: time.sleep(1.5),
        lambda _: subprocess.run(["sleep", "1.5"], check=True),
    ],
    ids=["computation", "short waits", "wait with a limit", "sleep", "child process"],
)
def test_other_waits_are_no_deadlock(work: Callable[[threading.Event], object]) -> None:
    assert count_deadlock_samples(work) == 0
