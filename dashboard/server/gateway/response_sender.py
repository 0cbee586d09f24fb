"""Send responses to clients, and give up those that do not take them."""

from __future__ import annotations

import asyncio
import time

from dashboard.server.gateway.disconnection import AsgiSend
from dashboard.server.gateway.response_buffer import CHUNK_BYTES, TAKE_TIMEOUT, ResponseBuffer

MAX_UNSENT_BYTES = 64 * 1024 * 1024  # memory of all responses that clients have not taken yet


class _Sending:
    """A long response that is being sent."""

    def __init__(self, buffer: ResponseBuffer) -> None:
        self.last_progress = time.monotonic()
        self.is_given_up = False
        self._buffer = buffer
        self._chunk_bytes = 0
        self._timeout: asyncio.Timeout | None = None

    @property
    def unsent_bytes(self) -> int:
        return self._chunk_bytes + self._buffer.unsent_bytes

    async def send(self, send: AsgiSend, chunk: bytes) -> None:
        """Send a chunk in parts. Raises TimeoutError if the client does not take one."""
        self._chunk_bytes = len(chunk)
        for begin in range(0, len(chunk), CHUNK_BYTES):
            part = chunk[begin : begin + CHUNK_BYTES]
            async with asyncio.timeout(0 if self.is_given_up else TAKE_TIMEOUT) as self._timeout:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            self._timeout = None
            self.last_progress = time.monotonic()
            self._chunk_bytes -= len(part)

    def give_up(self) -> None:
        self.is_given_up = True
        self._buffer.abort()
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())


class ResponseSender:
    """Sends the responses of one process. If they take too much memory, the client that waits longest is given up."""

    def __init__(self, max_unsent_bytes: int = MAX_UNSENT_BYTES) -> None:
        """Create a sender that keeps at most `max_unsent_bytes` in memory."""
        self._max_unsent_bytes = max_unsent_bytes
        self._sendings: set[_Sending] = set()

    async def send(self, buffer: ResponseBuffer, send: AsgiSend, *, close_connection: bool) -> None:
        """Send a response. If it can't be completed, the server closes the connection, so that the client can tell."""
        if buffer.start is None:
            return
        headers = buffer.start.headers
        if close_connection:
            headers = [*(header for header in headers if header[0] != b"connection"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": buffer.start.status, "headers": headers})
        if buffer.is_short:
            await send({"type": "http.response.body", "body": await buffer.read(), "more_body": False})
        else:
            await self._send_long(buffer, send)

    async def _send_long(self, buffer: ResponseBuffer, send: AsgiSend) -> None:
        sending = _Sending(buffer)
        self._sendings.add(sending)
        try:
            while chunk := await buffer.read():
                self._make_room(len(chunk))
                await sending.send(send, chunk)
        except TimeoutError:
            return
        finally:
            self._sendings.discard(sending)
        if buffer.is_complete and not buffer.is_broken and not sending.is_given_up:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _make_room(self, size: int) -> None:
        sendings = [sending for sending in self._sendings if not sending.is_given_up]
        unsent = size + sum(sending.unsent_bytes for sending in sendings)
        for sending in sorted(sendings, key=lambda sending: sending.last_progress):
            if unsent <= self._max_unsent_bytes:
                break
            unsent -= sending.unsent_bytes
            sending.give_up()
