"""The processor time that a thread may spend on a request.

Python has no timeouts. A watching thread raises an exception in the one that takes too long, which ends any code in
Python; code in C goes on until it returns. This is the last resort for requests that are more expensive than expected.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections

# The exception may be swallowed where it is raised, so it is raised again, but not without end.
MAX_INTERRUPTIONS = 5
GRACE_SECONDS = 1.0  # of processor time before it is raised again: enough to render an error page
_WATCH_INTERVAL = 0.5  # seconds


@dataclass
class _LimitedBlock:
    """A block of one thread. `clock` counts the processor time of the thread."""

    thread_id: int
    clock: int
    deadline: float
    error: type[Exception]
    interruptions: int = 0

    def interrupt_if_over(self) -> None:
        """Raise the exception in the thread of the block if it has used up its time."""
        if self.interruptions < MAX_INTERRUPTIONS and time.clock_gettime(self.clock) > self.deadline:
            self.interruptions += 1
            self.deadline = time.clock_gettime(self.clock) + GRACE_SECONDS
            raise_in_thread(self.thread_id, self.error)


@contextmanager
def limit_cpu_time(seconds: float, error: type[Exception]) -> Iterator[None]:
    """Raise `error` in this block once its thread has used `seconds` of processor time.

    Afterwards the thread gets new database connections, since the old ones may be in any state. Without effect where
    threads have no clocks, as on macOS.
    """
    if sys.platform != "linux":
        yield
        return
    thread_id = threading.get_ident()
    clock = time.pthread_getcpuclockid(thread_id)
    block = _LimitedBlock(thread_id, clock, time.clock_gettime(clock) + seconds, error)
    _watcher.add(block)
    try:
        yield
    finally:
        _watcher.remove(block)
        if block.interruptions:
            discard_connections()


class _Watcher:
    """Watches the blocks of this process, in a thread that the first of them starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[int, _LimitedBlock] = {}
        self._thread: threading.Thread | None = None

    def add(self, block: _LimitedBlock) -> None:
        """Watch a block, instead of an earlier one of its thread."""
        with self._lock:
            self._blocks[block.thread_id] = block
            if self._thread is None or not self._thread.is_alive():  # no thread survives a fork
                self._thread = threading.Thread(target=self._watch, name="cpu-time-limit", daemon=True)
                self._thread.start()

    def remove(self, block: _LimitedBlock) -> None:
        """Stop watching a block, and take back an exception that was not raised yet."""
        with self._lock:
            self._blocks.pop(block.thread_id, None)
            if block.interruptions:
                raise_in_thread(block.thread_id, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_WATCH_INTERVAL)
            with self._lock:
                for block in self._blocks.values():
                    block.interrupt_if_over()


_watcher = _Watcher()


def raise_in_thread(thread_id: int, error: type[BaseException] | None) -> None:
    """Let a thread raise `error` as soon as it runs Python code; None takes back one that is pending."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), None if error is None else ctypes.py_object(error)
    )


def discard_connections() -> None:
    """Let this thread get new database connections. The old ones may be in any state after an interruption."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
