"""Notice processes that run but do nothing any more: stopped, deadlocked, or in an endless computation.

Each child process notes its last sign of life in memory that it shares with its parent, which kills a child that gives
none for too long. Whoever started the child then replaces it.
"""

from __future__ import annotations

import mmap
import struct
import time
from typing import Protocol

BEAT_SECONDS = 1.0
HANG_SECONDS = 10.0  # without a sign of life after which a process is killed
STARTUP_SECONDS = 30.0  # until the first sign of life
_TIME = struct.Struct("d")


class Heartbeat(Protocol):
    """Gives a sign of life of this process, or asks that it is replaced."""

    def __call__(self, *, is_stuck: bool = False) -> None:
        """Give the sign; `is_stuck` asks for the replacement."""


class Heartbeats:
    """The last signs of life of some child processes, which inherit this object by a fork."""

    def __init__(self, count: int) -> None:
        """Create the memory for `count` processes, numbered from 0."""
        self._memory = mmap.mmap(-1, count * _TIME.size)
        self._last_check = time.monotonic()
        for index in range(count):
            self.expect(index)

    def expect(self, index: int) -> None:
        """Note that a process starts now. It has some time until its first beat."""
        self._write(index, time.monotonic() + STARTUP_SECONDS - HANG_SECONDS)

    def beat(self, index: int, *, is_stuck: bool = False) -> None:
        """Give a sign of life of the process `index`; or ask that it is replaced, if it knows that it is stuck."""
        self._write(index, time.monotonic() - is_stuck * HANG_SECONDS)

    def find_hung(self) -> list[int]:
        """Return the processes that have given no sign of life for too long. Called every second or so.

        If the caller itself has not been running, for instance since the terminal stopped all processes, they all get
        the time to go on.
        """
        now = time.monotonic()
        has_been_stopped = now - self._last_check > HANG_SECONDS / 2
        self._last_check = now
        indexes = range(len(self._memory) // _TIME.size)
        if has_been_stopped:
            for index in indexes:
                self._write(index, max(now, self._read(index)))
        return [index for index in indexes if now - self._read(index) > HANG_SECONDS]

    def _read(self, index: int) -> float:
        seconds: float = _TIME.unpack_from(self._memory, index * _TIME.size)[0]
        return seconds

    def _write(self, index: int, seconds: float) -> None:
        _TIME.pack_into(self._memory, index * _TIME.size, seconds)
