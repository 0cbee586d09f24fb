"""Limit how often the same event is reported, so that a flood of requests does not fill a disk."""

from __future__ import annotations

import threading
import time

_MAX_SUBJECTS = 1000


class ReportLimiter:
    """Admits a report of each subject at most once a minute, and a few of all subjects together.

    Each process counts for itself. Reports that are not admitted are counted in the next one that is.
    """

    def __init__(self, burst: int = 30, interval: float = 6.0, repeat_interval: float = 60.0) -> None:
        """Create a limiter.

        Args:
            burst: how many reports are admitted at once.
            interval: seconds for each further one.
            repeat_interval: seconds between two reports of one subject.
        """
        self._burst, self._interval, self._repeat_interval = burst, interval, repeat_interval
        self._lock = threading.Lock()
        self._full_at = 0.0
        self._subjects: dict[str, tuple[float, int]] = {}  # last reported at, suppressed since

    def admit(self, subject: str) -> int | None:
        """Return the number of suppressed reports of `subject` if a report is due, else None."""
        now = time.monotonic()
        with self._lock:
            if len(self._subjects) >= _MAX_SUBJECTS:
                self._subjects.clear()
            reported_at, suppressed = self._subjects.get(subject, (-self._repeat_interval, 0))
            full_at = max(self._full_at, now) + self._interval
            if now - reported_at < self._repeat_interval or full_at > now + self._burst * self._interval:
                self._subjects[subject] = (reported_at, suppressed + 1)
                return None
            self._full_at = full_at
            self._subjects[subject] = (now, 0)
            return suppressed
