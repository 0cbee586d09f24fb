"""The slowest reads of the last hours and the last refusals of each worker, for the page that shows the instance.

They are kept in memory, bounded, and written into a file that all workers read, so they need no database.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from dashboard.monitoring.request_record import RequestRecord

MIN_SLOW_SECONDS = 1.0
MAX_SLOW_REQUESTS = 20
MAX_REFUSALS = 20
SLOW_HOURS = 6
_READ_METHODS = ("GET", "HEAD")
_MAX_QUESTION_LENGTH = 200


class SlowRequest(Struct, frozen=True):
    """A read that took long. `at` is its end in seconds since 1970."""

    at: float
    seconds: float
    route: str
    status: int
    request_id: str
    project: str = ""
    question: str = ""


class Refusal(Struct, frozen=True):
    """A request that was rejected before a thread worked on it."""

    at: float
    reason: str
    lane: str
    address: str


class _Activity(Struct):
    """The content of a file."""

    slow: list[SlowRequest]
    refusals: list[Refusal]


class RecentActivity:
    """The activity of one worker."""

    def __init__(self) -> None:
        """Create it without any activity."""
        self._slow: list[SlowRequest] = []
        self._refusals: deque[Refusal] = deque(maxlen=MAX_REFUSALS)
        self._is_changed = False

    def note_request(self, record: RequestRecord) -> None:
        """Keep a read if it was slow."""
        seconds = record.seconds
        if seconds < MIN_SLOW_SECONDS or record.method not in _READ_METHODS:
            return
        question, now = record.question[:_MAX_QUESTION_LENGTH], time.time()
        slow = SlowRequest(now, round(seconds, 3), record.route, record.status, record.id, record.project, question)
        self._slow = _select_slowest([*self._slow, slow], now)
        self._is_changed = True

    def note_refusal(self, reason: str, lane: str, address: str) -> None:
        """Keep a refusal, instead of the oldest one if there are many."""
        self._refusals.append(Refusal(time.time(), reason, lane, address))
        self._is_changed = True

    def write(self, directory: Path, process: str) -> None:
        """Write the file of this process if anything has changed. Raises OSError."""
        if self._is_changed:
            self._is_changed = False
            activity = _Activity(self._slow, list(self._refusals))
            write_shared_file(directory / f"activity-{process}.json", msgspec.json.encode(activity))

    def resume(self, directory: Path, process: str) -> None:
        """Continue what a worker has left that this one replaces."""
        activity = _read_activity(directory / f"activity-{process}.json")
        self._slow = activity.slow
        self._refusals.extend(activity.refusals)


def read_recent_activity(directory: Path) -> tuple[list[SlowRequest], list[Refusal]]:
    """Return the slowest reads of all workers, the slowest first, and the last refusals, the newest first."""
    activities = [_read_activity(path) for path in directory.glob("activity-*.json")]
    slow = _select_slowest((request for activity in activities for request in activity.slow), time.time())
    refusals = [refusal for activity in activities for refusal in activity.refusals]
    return slow, sorted(refusals, key=lambda refusal: -refusal.at)[:MAX_REFUSALS]


def write_shared_file(path: Path, content: bytes) -> None:
    """Replace a file that other processes read meanwhile. Raises OSError."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def _select_slowest(requests: Iterable[SlowRequest], now: float) -> list[SlowRequest]:
    recent = (request for request in requests if request.at > now - SLOW_HOURS * 3600)
    return sorted(recent, key=lambda request: -request.seconds)[:MAX_SLOW_REQUESTS]


def _read_activity(path: Path) -> _Activity:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Activity)
    except (FileNotFoundError, msgspec.DecodeError):
        return _Activity([], [])
