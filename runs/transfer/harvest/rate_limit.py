"""How fast a server is asked: so many requests at once, so many a second, and never before it wants to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class HarvestStopped(Exception):
    """The harvest is over; nothing more is to be asked."""


class RateLimiter:
    """Shared by all threads that ask one server.

    `wait` sleeps for some seconds and says whether it was woken by `stop()`; `clock` counts seconds.
    """

    def __init__(
        self,
        concurrency: int,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._places = threading.BoundedSemaphore(concurrency)
        self._interval = 1 / rate
        self._clock = clock
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._lock = threading.Lock()
        self._next = clock()

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Wake every thread that waits, and let none ask again."""
        self._stop.set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn to ask, and hold it while the answer comes. Raises Stopped."""
        with self._places:
            self._await_slot()
            yield

    def sleep(self, seconds: float) -> None:
        """Let one thread wait. Raises Stopped."""
        if self._wait(seconds) or self.is_stopped:
            raise HarvestStopped

    def hold(self, seconds: float) -> None:
        """Let nobody ask for some seconds."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def _await_slot(self) -> None:
        # a hold may come while one waits, so look again afterwards
        while (delay := self._claim()) > 0:
            self.sleep(delay)
        if self.is_stopped:
            raise HarvestStopped

    def _claim(self) -> float:
        """Take the next slot, or say how long it is until then."""
        with self._lock:
            now = self._clock()
            if now < self._next:
                return self._next - now
            self._next = now + self._interval
            return 0
