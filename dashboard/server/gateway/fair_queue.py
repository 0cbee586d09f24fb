"""A queue that lets a number of requests run at once and a number of others wait, with fair turns for all callers."""

from __future__ import annotations

import asyncio
from collections import Counter, deque

from dashboard.server.gateway.callers import Caller
from dashboard.server.gateway.disconnection import ClientDisconnected, Disconnection
from dashboard.server.gateway.rejections import busy_rejection, too_many_requests_rejection

QUEUE_TIMEOUT = 20.0  # seconds that a request waits in a queue

_Place = asyncio.Future[None]


class FairQueue:
    """A limit of running and of waiting requests.

    Callers get free places in turn, known callers before strangers. If the queue is full, the caller with the most
    waiting requests loses the last of them.
    """

    def __init__(
        self,
        max_running: int,
        max_waiting: int,
        max_running_per_caller: int | None = None,
        max_waiting_per_caller: int | None = None,
        max_running_per_stranger: int | None = None,
        reserved_for_users: int = 0,
    ) -> None:
        """Create a queue. The limits per caller are those of all, unless given.

        `reserved_for_users` places are only for people who are signed in: a person may have many API keys, each of
        which is a caller of its own.
        """
        self._max_running_programs = max_running - reserved_for_users
        self.max_running = max_running
        self._max_waiting = max_waiting
        self.max_running_per_caller = max_running_per_caller or max_running
        self._max_waiting_per_caller = max_waiting_per_caller or max_waiting
        self._max_running_per_stranger = max_running_per_stranger or self.max_running_per_caller
        self._running: Counter[Caller] = Counter()
        self._queues: dict[Caller, deque[_Place]] = {}  # in the order of turns

    @property
    def running(self) -> int:
        """Return how many requests run."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return sum(map(len, self._queues.values()))

    def has_room(self, caller: Caller) -> bool:
        """Return whether a request of `caller` would not have to wait."""
        return not self._queues and self.running < self.max_running and self._may_run(caller)

    async def acquire(self, caller: Caller, disconnection: Disconnection | None = None) -> None:
        """Wait for a place, which the caller must `release`.

        Raises:
            RequestRejected: the queue is full or slow.
            ClientDisconnected: the client has gone while it waited.
        """
        if self.has_room(caller):
            self._running[caller] += 1
            return
        place = self._enqueue(caller)
        self._admit()  # those that wait may be at their own limit
        try:
            if disconnection is not None:
                disconnection.notify(lambda: _reject(place, ClientDisconnected()))
            async with asyncio.timeout(QUEUE_TIMEOUT):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.release(caller)
            self._discard(caller, place)
            if isinstance(error, TimeoutError):
                raise busy_rejection() from error
            raise

    def release(self, caller: Caller) -> None:
        """Give a place back; the next request gets it."""
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        self._admit()

    def _enqueue(self, caller: Caller) -> _Place:
        waiting = len(self._queues.get(caller, ()))
        if waiting >= self._max_waiting_per_caller:
            raise too_many_requests_rejection()
        if self.waiting >= self._max_waiting:
            self._evict(waiting)
        place: _Place = asyncio.get_running_loop().create_future()
        self._queues.setdefault(caller, deque()).append(place)
        return place

    def _evict(self, waiting: int) -> None:
        """Take a place in the queue from the caller who has the most. Raises RequestRejected if none has more."""
        greediest = max(self._queues, key=lambda caller: len(self._queues[caller]))
        if len(self._queues[greediest]) <= waiting + 1:
            raise busy_rejection()
        _reject(self._queues[greediest].pop(), busy_rejection())

    def _discard(self, caller: Caller, place: _Place) -> None:
        place.cancel()
        queue = self._queues.get(caller)
        if queue is not None:
            if place in queue:
                queue.remove(place)
            if not queue:
                del self._queues[caller]
        self._admit()

    def _admit(self) -> None:
        """Let waiting requests run while there is room."""
        while self.running < self.max_running and (caller := self._next_caller()) is not None:
            queue = self._queues.pop(caller)
            place = queue.popleft()
            if queue:
                self._queues[caller] = queue  # at the end: the others come first
            if not place.done():
                self._running[caller] += 1
                place.set_result(None)

    def _next_caller(self) -> Caller | None:
        candidates = [caller for caller in self._queues if self._may_run(caller)]
        return next((caller for caller in candidates if caller.is_known), candidates[0] if candidates else None)

    def _may_run(self, caller: Caller) -> bool:
        limit = self.max_running_per_caller if caller.is_known else self._max_running_per_stranger
        return self._running[caller] < limit and (caller.is_user or self._count_programs() < self._max_running_programs)

    def _count_programs(self) -> int:
        return sum(count for caller, count in self._running.items() if not caller.is_user)


def _reject(place: _Place, error: BaseException) -> None:
    if not place.done():
        place.set_exception(error)
