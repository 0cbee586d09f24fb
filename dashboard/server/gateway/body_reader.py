"""Read request bodies completely before a thread handles them, within limits of time and memory."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dashboard.server.gateway.callers import Caller
from dashboard.server.gateway.disconnection import AsgiReceive, ClientDisconnected
from dashboard.server.gateway.rejections import busy_rejection, slow_body_rejection, too_large_rejection
from dashboard.server.gateway.routes import Credential, LaneName, Route

CHUNK_TIMEOUT = 10.0  # seconds without a byte after which a client is given up
BODY_TIMEOUT = 300.0  # seconds for a whole body, however steadily it arrives
SMALL_BODY_BYTES = 16 * 1024  # what anybody may send: a form with a password, or a mistaken request
SMALL_BODY_TIMEOUT = 15.0
MAX_BUFFERED_BODIES = 4  # bodies of the maximum size that may be in memory at once
MAX_SMALL_BODIES = 256  # small bodies that may be in memory at once, beside the others
MIN_MEASURED_SECONDS = 1.0  # before a body is called slow
# A client may finish sending what is not read, to see the response, as long as it does so steadily.
DISCARD_SECONDS, DISCARD_CHUNK_SECONDS = 5.0, 0.5


@dataclass(frozen=True, slots=True)
class RequestContent:
    """The part of a body that was read. The rest of an incomplete one is still to come."""

    body: bytes
    is_complete: bool = True


class RequestBodies:
    """Reads the bodies of one process, each as far as its route and its caller allow."""

    def __init__(self, max_body_bytes: int, max_form_bytes: int) -> None:
        """Create it with the limits of posted objects and of forms."""
        self._max_bytes = {
            Credential.API_KEY: max_body_bytes,
            Credential.SESSION: max_form_bytes,
            Credential.SESSION_WITH_FILES: max_body_bytes,
        }
        self._known = BodyBudget(MAX_BUFFERED_BODIES * max_body_bytes)
        self._strangers = BodyBudget(MAX_SMALL_BODIES * SMALL_BODY_BYTES)

    def is_caller_needed(self, route: Route, length: int | None) -> bool:
        """Return whether it depends on the caller how much is read."""
        is_large = length is None or length > SMALL_BODY_BYTES
        has_session = route.large_body in (Credential.SESSION, Credential.SESSION_WITH_FILES)
        return route.large_body is Credential.API_KEY or (has_session and is_large)

    @asynccontextmanager
    async def read(
        self, route: Route, length: int | None, caller: Caller, receive: AsgiReceive
    ) -> AsyncGenerator[RequestContent]:
        """Return what may be read of a body of the declared `length`; its memory counts until the block ends.

        Of posted objects that are too large, too little or one byte too much is read, so that the application can tell.

        Raises:
            RequestRejected: the body is too large or too slow, or had to give way to others.
            ClientDisconnected: the client closed the connection.
        """
        is_entitled = caller.is_known and route.large_body in self._max_bytes
        limit = self._max_bytes[route.large_body] if is_entitled else SMALL_BODY_BYTES
        is_judged_here = not route.lane.takes_posted_data and (is_entitled or route.lane is LaneName.SIGN_IN)
        if length == 0:
            yield RequestContent(b"")
        elif (length or 0) > limit or (length is None and route.large_body in self._max_bytes and not is_entitled):
            if is_judged_here:
                raise too_large_rejection(limit)
            yield RequestContent(b"", is_complete=False)
        else:
            budget, seconds = (self._known, BODY_TIMEOUT) if caller.is_known else (self._strangers, SMALL_BODY_TIMEOUT)
            async with budget.read(caller, receive, limit, seconds) as body:
                if len(body) > limit and not route.lane.takes_posted_data:
                    raise too_large_rejection(limit)
                yield RequestContent(body, is_complete=len(body) <= limit)


class _Reading:
    """A body that is being read."""

    def __init__(self, caller: Caller, timeout: asyncio.Timeout) -> None:
        self.caller = caller
        self.size = 0
        self.is_evicted = False
        self._timeout = timeout
        self._started = time.monotonic()

    @property
    def bytes_per_second(self) -> float:
        return self.size / max(time.monotonic() - self._started, MIN_MEASURED_SECONDS)

    def evict(self) -> None:
        self.is_evicted = True
        self._timeout.reschedule(asyncio.get_running_loop().time())


class BodyBudget:
    """The memory of bodies. If it is used up, the slowest body of the caller with the largest share gives way."""

    def __init__(self, max_bytes: int) -> None:
        """Create a budget of one process."""
        self._max_bytes = max_bytes
        self._used: Counter[Caller] = Counter()
        self._readings: set[_Reading] = set()

    @asynccontextmanager
    async def read(
        self, caller: Caller, receive: AsgiReceive, max_body_bytes: int, seconds: float
    ) -> AsyncGenerator[bytes]:
        """Return the whole body, or one byte more than allowed. Its memory counts until the block ends.

        Raises:
            RequestRejected: the client is too slow, or the body had to give way.
            ClientDisconnected: the client closed the connection.
        """
        chunks: list[bytes] = []
        try:
            await self._receive_body(caller, receive, chunks, max_body_bytes + 1, seconds)
            body = b"".join(chunks)
            yield body
        finally:
            self._used[caller] -= sum(map(len, chunks))
            if self._used[caller] <= 0:
                del self._used[caller]

    async def _receive_body(
        self, caller: Caller, receive: AsgiReceive, chunks: list[bytes], remaining: int, seconds: float
    ) -> None:
        reading = None
        try:
            async with asyncio.timeout(seconds) as timeout:
                reading = _Reading(caller, timeout)
                self._readings.add(reading)
                while remaining and (chunk := await _receive_chunk(receive, CHUNK_TIMEOUT)) is not None:
                    chunks.append(chunk[:remaining])
                    remaining -= len(chunks[-1])
                    self._count(reading, len(chunks[-1]))
        except TimeoutError as error:
            is_evicted = reading is not None and reading.is_evicted
            raise (busy_rejection(close_connection=True) if is_evicted else slow_body_rejection()) from error
        finally:
            if reading is not None:
                self._readings.discard(reading)

    def _count(self, reading: _Reading, size: int) -> None:
        reading.size += size
        self._used[reading.caller] += size
        if self._used.total() > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Evict the slowest body of the greediest caller, unless evicted ones are about to give enough back."""
        freed = sum(reading.size for reading in self._readings if reading.is_evicted)
        readings = [reading for reading in self._readings if not reading.is_evicted]
        while readings and self._used.total() - freed > self._max_bytes:
            victim = max(readings, key=lambda reading: (self._used[reading.caller], -reading.bytes_per_second))
            victim.evict()
            readings.remove(victim)
            freed += victim.size


async def discard_body(receive: AsgiReceive) -> None:
    """Receive and forget the rest of a body, so that its client gets to read the response. Bounded in time."""
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while await _receive_chunk(receive, DISCARD_CHUNK_SECONDS) is not None:
                pass
    except (TimeoutError, ClientDisconnected):
        return


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the declared length of a body; None if it is chunked. The server has checked that it is a number."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


def content_type(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the content type of a body; empty if there is none."""
    return next((value.decode("latin-1") for name, value in headers if name == b"content-type"), "")


async def _receive_chunk(receive: AsgiReceive, seconds: float) -> bytes | None:
    """Return the next chunk; None after the last one. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    chunk: bytes = message.get("body", b"")
    return chunk if chunk or message.get("more_body") else None
