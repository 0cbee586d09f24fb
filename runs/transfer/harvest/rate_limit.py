"""Limit the requests to one server: how many at once, how many per second, and none before the server allows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class HarvestStopped(Exception):
    """The harvest was stopped; no further request may be sent."""


class RateLimiter:
    """A limit shared by all worker threads of a harvest.

    Args:
        concurrency: The number of requests that may be in flight at once.
        rate: The number of requests that may be started per second.
        clock: Returns the current time in seconds.
        wait: Sleeps for a number of seconds and returns whether `stop()` ended the sleep early.
    """

    def __init__(
        self,
        concurrency: int,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._in_flight = threading.BoundedSemaphore(concurrency)
        self._interval = 1 / rate
        self._clock = clock
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._lock = threading.Lock()
        self._next_start = clock()

    @property
    def is_stopped(self) -> bool:
        """Return whether `stop()` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Wake up every waiting thread and let no thread start another request."""
        self._stop.set()

    @contextmanager
    def request_slot(self) -> Iterator[None]:
        """Wait until a request may start, and count it as in flight within the block.

        Raises:
            HarvestStopped: the harvest was stopped while waiting.
        """
        with self._in_flight:
            # `pause` may move the next start while this thread sleeps, so check again afterwards
            while (delay := self._reserve_start()) > 0:
                self.sleep(delay)
            if self.is_stopped:
                raise HarvestStopped
            yield

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`.

        Raises:
            HarvestStopped: the harvest was stopped while waiting.
        """
        if self._wait(seconds) or self.is_stopped:
            raise HarvestStopped

    def pause(self, seconds: float) -> None:
        """Let no thread start a request within the next `seconds`."""
        with self._lock:
            self._next_start = max(self._next_start, self._clock() + seconds)

    def _reserve_start(self) -> float:
        """Reserve the next start and return 0, or return the seconds until it is due."""
        with self._lock:
            now = self._clock()
            if now < self._next_start:
                return self._next_start - now
            self._next_start = now + self._interval
            return 0
