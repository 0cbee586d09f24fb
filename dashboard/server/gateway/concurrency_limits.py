"""Limit how many posts are handled at once, so that pages always find a free thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from dashboard.server.gateway.rejections import busy_rejection

API_PREFIX = "/api/"
LARGE_BODY_BYTES = 64 * 1024  # posts above this size are mostly computation, which threads can't do in parallel
QUEUE_TIMEOUT = 20.0  # seconds that a request waits in a queue


class ConcurrencyLimit:
    """Lets a number of requests run at once, and a number of others wait."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        """Create a limit; `max_waiting` is the length of its queue."""
        self._running = asyncio.Semaphore(max_running)
        self._max_waiting = max_waiting
        self._waiting = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[None]:
        """Wait for a place and keep it until the block ends. Raises RequestRejected if the queue is full or slow."""
        await self._wait()
        try:
            yield
        finally:
            self._running.release()

    async def _wait(self) -> None:
        if self._waiting >= self._max_waiting:
            raise busy_rejection()
        self._waiting += 1
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT):
                await self._running.acquire()
        except TimeoutError as error:
            raise busy_rejection() from error
        finally:
            self._waiting -= 1


class ConcurrencyLimits:
    """The limits of one process: posts get half of its threads, and large posts one of those."""

    def __init__(self, threads: int) -> None:
        """Create the limits of a process that has `threads` threads."""
        self._posts = ConcurrencyLimit(max(1, threads // 2), max_waiting=128)
        self._large_posts = ConcurrencyLimit(1, max_waiting=32)

    @asynccontextmanager
    async def acquire(self, method: str, path: str, body_bytes: int) -> AsyncGenerator[None]:
        """Wait until the request may run. Raises RequestRejected."""
        async with AsyncExitStack() as acquired:
            if method == "POST" and path.startswith(API_PREFIX):
                if body_bytes > LARGE_BODY_BYTES:  # first, so that waiting large posts take no place from small ones
                    await acquired.enter_async_context(self._large_posts.acquire())
                await acquired.enter_async_context(self._posts.acquire())
            yield
