"""Who may take a thread: posts queue up for a few of them, so that pages always find one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from dashboard.server.gateway.rejections import busy_rejection

API_PREFIX = "/api/"
LARGE_BODY_BYTES = 64 * 1024  # bytes from which on a post is mostly computing, which threads can't do side by side
QUEUE_TIMEOUT = 20.0  # seconds that a request waits in line


class ConcurrencyLimit:
    """Lets `width` requests through at once and `line` more wait."""

    def __init__(self, width: int, line: int) -> None:
        self._free = asyncio.Semaphore(width)
        self._line = line
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place, keep it until the block ends. Raises Refused where the line is too long or slow."""
        await self._wait()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._line:
            raise busy_rejection()
        self._waiting += 1
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT):
                await self._free.acquire()
        except TimeoutError as error:
            raise busy_rejection() from error
        finally:
            self._waiting -= 1


class ConcurrencyLimits:
    """The lanes of one process that has `threads`: half of them take posts, and of those one takes bulk."""

    def __init__(self, threads: int) -> None:
        self._posts = ConcurrencyLimit(max(1, threads // 2), line=128)
        self._bulk = ConcurrencyLimit(1, line=32)

    @asynccontextmanager
    async def place(self, method: str, path: str, size: int) -> AsyncGenerator[None]:
        """Let a request through in its turn. Raises Refused."""
        async with AsyncExitStack() as held:
            if method == "POST" and path.startswith(API_PREFIX):
                if size > LARGE_BODY_BYTES:  # first, so that who waits for it takes no thread from small posts
                    await held.enter_async_context(self._bulk.place())
                await held.enter_async_context(self._posts.place())
            yield
