"""The lanes of a process. Each has threads of its own, so that one kind of request never waits for another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from dashboard.monitoring.metrics import LANE_RUNNING, LANE_WAITING
from dashboard.server.gateway.callers import Caller
from dashboard.server.gateway.disconnection import Disconnection
from dashboard.server.gateway.fair_queue import FairQueue
from dashboard.server.gateway.routes import LaneName

LARGE_BODY_BYTES = 64 * 1024  # posts above this size are mostly computation, which threads can't do in parallel


class Lanes:
    """The queues in front of the threads."""

    def __init__(self) -> None:
        """Create the lanes of one process."""
        self._queues = {
            LaneName.PAGES: FairQueue(
                3, max_waiting=128, max_running_per_caller=2, max_running_per_stranger=1, reserved_for_users=1
            ),
            LaneName.INGEST: FairQueue(3, max_waiting=128),
            LaneName.TRACES: FairQueue(2, max_waiting=128),
            LaneName.DOWNLOADS: FairQueue(2, max_waiting=32, max_running_per_caller=1, max_waiting_per_caller=8),
            LaneName.SIGN_IN: FairQueue(1, max_waiting=16, max_waiting_per_caller=8),
        }
        self._large_posts = FairQueue(1, max_waiting=32)
        self._lookups = FairQueue(1, max_waiting=128, max_waiting_per_caller=64)

    @property
    def threads(self) -> int:
        """Return how many threads the lanes need."""
        return sum(queue.max_running for queue in self._queues.values())

    @property
    def min_stuck_threads(self) -> int:
        """Return how many stuck threads may keep a caller from all pages, or from posting."""
        return min(self._queues[name].max_running_per_caller for name in (LaneName.PAGES, LaneName.INGEST))

    def measure(self) -> None:
        """Note how many requests run and wait in each lane."""
        for name, queue in self._queues.items():
            LANE_RUNNING.labels(name.value).set(queue.running)
            LANE_WAITING.labels(name.value).set(queue.waiting)

    def has_room(self, name: LaneName, caller: Caller) -> bool:
        """Return whether a request of `caller` in the lane would not have to wait."""
        return self._queues[name].has_room(caller)

    async def acquire(
        self, name: LaneName, caller: Caller, body_bytes: int, disconnection: Disconnection
    ) -> Callable[[], None]:
        """Wait for a thread, and return the function that gives it back.

        Raises:
            RequestRejected: the queue is full or slow.
            ClientDisconnected: the client has gone while it waited.
        """
        queue = self._queues[name]
        if not name.takes_posted_data or body_bytes <= LARGE_BODY_BYTES:
            await queue.acquire(caller, disconnection)
            return lambda: queue.release(caller)
        # this one first: while it waits, it takes no place from small posts
        await self._large_posts.acquire(caller, disconnection)
        try:
            await queue.acquire(caller, disconnection)
        except BaseException:
            self._large_posts.release(caller)
            raise

        def release() -> None:
            queue.release(caller)
            self._large_posts.release(caller)

        return release

    @asynccontextmanager
    async def look_up(self, caller: Caller) -> AsyncGenerator[None]:
        """Wait for the turn of a caller to have a credential looked up."""
        await self._lookups.acquire(caller)
        try:
            yield
        finally:
            self._lookups.release(caller)
