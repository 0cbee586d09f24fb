"""Notice that a client has closed its connection while its request waits or runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

AsgiMessage = dict[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]

WATCH_AFTER = 0.05  # seconds; most requests are done before, and need no watcher


class ClientDisconnected(BaseException):
    """The client closed the connection before it got the response.

    Like CancelledError no Exception: views and Django must not take it for a failure that they should handle.
    """


class Disconnection:
    """Waits for the end of a connection, once the body of the request has been read."""

    def __init__(self, receive: AsgiReceive) -> None:
        """Create it for the `receive` of an ASGI application."""
        self.is_closed = False
        self._receive = receive
        self._callback: Callable[[], object] | None = None
        self._watcher: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch the connection during the block."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(WATCH_AFTER, self._start_watcher)
        try:
            yield
        finally:
            timer.cancel()
            self._callback = None
            if self._watcher is not None:
                self._watcher.cancel()

    def notify(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the client has disconnected, or now if it has. It replaces the previous callback.

        Raises:
            ClientDisconnected: the client has already disconnected; `callback` was called.
        """
        self._callback = callback
        if self.is_closed:
            callback()
            raise ClientDisconnected

    def _start_watcher(self) -> None:
        self._watcher = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_closed = True
        if self._callback is not None:
            self._callback()
