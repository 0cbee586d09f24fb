"""Read request bodies completely before a thread handles them, within limits of time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from dashboard.server.gateway.rejections import ClientDisconnected, busy_rejection, slow_body_rejection

AsgiMessage = dict[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]

CHUNK_TIMEOUT = 10.0  # seconds without a byte after which a client is given up
BODY_TIMEOUT = 300.0  # seconds for a whole body, however steadily it arrives
MAX_BUFFERED_BODIES = 4  # bodies of the maximum size that may be in memory at once


class BodyReader:
    """Reads bodies of up to `max_body_bytes`, and keeps at most a few times as much in memory."""

    def __init__(self, max_body_bytes: int) -> None:
        """Create a reader for one process."""
        self._max_body_bytes = max_body_bytes
        self._max_buffered_bytes = MAX_BUFFERED_BODIES * max_body_bytes
        self._buffered_bytes = 0

    @asynccontextmanager
    async def read(self, headers: Mapping[bytes, bytes], receive: AsgiReceive) -> AsyncGenerator[bytes]:
        """Return the whole body; its memory counts until the block ends.

        If the declared size is too large, the body is not read. If the actual size is, one byte more than allowed is
        returned, so that the application can tell.

        Raises:
            RequestRejected: the client is too slow, or too much is in memory.
            ClientDisconnected: the client closed the connection.
        """
        chunks: list[bytes] = []
        has_body = b"transfer-encoding" in headers or _content_length(headers) > 0
        try:
            if has_body and _content_length(headers) <= self._max_body_bytes:
                await self._receive_body(chunks, receive)
            yield b"".join(chunks)
        finally:
            self._buffered_bytes -= sum(map(len, chunks))

    async def _receive_body(self, chunks: list[bytes], receive: AsgiReceive) -> None:
        remaining = self._max_body_bytes + 1
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while remaining and (chunk := await _receive_chunk(receive)) is not None:
                    chunks.append(chunk[:remaining])
                    remaining -= len(chunks[-1])
                    self._buffered_bytes += len(chunks[-1])
                    if self._buffered_bytes > self._max_buffered_bytes:
                        raise busy_rejection(close_connection=True)
        except TimeoutError as error:
            raise slow_body_rejection() from error


async def _receive_chunk(receive: AsgiReceive) -> bytes | None:
    """Return the next chunk; None after the last one."""
    async with asyncio.timeout(CHUNK_TIMEOUT):
        message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    chunk: bytes = message.get("body", b"")
    return chunk if chunk or message.get("more_body") else None


def _content_length(headers: Mapping[bytes, bytes]) -> int:
    """Return the declared length. The server has checked that it is a number of at most 64 bits."""
    return int(headers.get(b"content-length", b"0"))
