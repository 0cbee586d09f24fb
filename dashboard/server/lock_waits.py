"""Notice threads that wait for a lock which nobody releases: a deadlock.

A thread that has waited for a lock, without a time limit, and has not run at all for some seconds is in a deadlock:
requests wait for the database, for files and for child processes, but not for locks. Only the kernel can tell these
apart. Outside of Linux, deadlocks are noticed later, like other requests without progress.
"""

from __future__ import annotations

import platform
import sys
import threading
import time
from pathlib import Path

DEADLOCK_SECONDS = 8.0
# The numbers of the system call futex(2), which waits for a lock. Its fourth argument is the time limit.
_FUTEX_NUMBERS = {"x86_64": "202", "aarch64": "98"}
_FUTEX = _FUTEX_NUMBERS.get(platform.machine()) if sys.platform == "linux" else None


class LockWait:
    """The wait of one thread, which creates this object, for a lock."""

    def __init__(self) -> None:
        """Begin to observe the current thread."""
        self._system_call = Path(f"/proc/self/task/{threading.get_native_id()}/syscall")
        self._clock = time.pthread_getcpuclockid(threading.get_ident()) if _FUTEX else 0
        self._cpu_seconds = -1.0
        self._since = 0.0

    def is_deadlock(self, now: float) -> bool:
        """Return whether the thread waits for a lock for ever. Called every second or so, by another thread."""
        if _FUTEX is None:
            return False
        cpu_seconds = time.clock_gettime(self._clock)
        if cpu_seconds != self._cpu_seconds or not self._is_waiting():
            self._cpu_seconds, self._since = cpu_seconds, now
        return now - self._since > DEADLOCK_SECONDS

    def _is_waiting(self) -> bool:
        """Return whether the thread waits for a lock without a time limit at this moment (see proc(5))."""
        try:
            number, *arguments = self._system_call.read_text().split()
        except OSError:
            return False
        return number == _FUTEX and int(arguments[3], 16) == 0
