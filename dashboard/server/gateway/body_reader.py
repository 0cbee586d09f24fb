"""Bodies on their way in: received in full before a thread looks at them, within bounds of time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from dashboard.server.gateway.rejections import ClientDisconnected, busy_rejection, slow_body_rejection

AsgiMessage = dict[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]

CHUNK_TIMEOUT = 10.0  # seconds without a byte after which a client is given up
BODY_TIMEOUT = 300.0  # seconds for a whole body, however steadily it drips
MAX_BUFFERED_BODIES = 4  # as many of the largest bodies may be held at once


class BodyReader:
    """The bodies that one process holds: each up to `largest` bytes, all together a few times as much."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._most = MAX_BUFFERED_BODIES * largest
        self._held = 0

    @asynccontextmanager
    async def arrived(self, headers: Mapping[bytes, bytes], receive: AsgiReceive) -> AsyncGenerator[bytes]:
        """The whole body, held until the block ends.

        What is declared to be too large stays unread, and of what turns out to be there is one byte too many,
        so that the application can say so. Raises Refused for a client that is too slow or when too much is
        held already, and ClientGone.
        """
        pieces: list[bytes] = []
        try:
            if _has_body(headers) and _content_length(headers) <= self._largest:
                await self._fill(pieces, receive)
            yield b"".join(pieces)
        finally:
            self._held -= sum(map(len, pieces))

    async def _fill(self, pieces: list[bytes], receive: AsgiReceive) -> None:
        missing = self._largest + 1
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while missing and (piece := await _next(receive)) is not None:
                    pieces.append(piece[:missing])
                    missing -= len(pieces[-1])
                    self._held += len(pieces[-1])
                    if self._held > self._most:
                        raise busy_rejection(closing=True)
        except TimeoutError as error:
            raise slow_body_rejection() from error


async def _next(receive: AsgiReceive) -> bytes | None:
    """The next piece, None after the last one."""
    async with asyncio.timeout(CHUNK_TIMEOUT):
        message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    piece: bytes = message.get("body", b"")
    return piece if piece or message.get("more_body") else None


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or _content_length(headers) > 0


def _content_length(headers: Mapping[bytes, bytes]) -> int:
    """The declared length; the server has seen to it that it is a number that fits 64 bits."""
    return int(headers.get(b"content-length", b"0"))
