"""Hold a response between the thread that produces it and the client that takes it, so that the thread never waits.

What a slow client leaves is kept in memory up to a limit, then in a temporary file. Only if that is full too, or can't
be written, does the thread wait, and gives up after a while.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import threading
from collections import deque
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import IO

from dashboard.server.gateway.disconnection import ClientDisconnected

logger = logging.getLogger(__name__)

MAX_MEMORY_BYTES = 1024 * 1024
MAX_FILE_BYTES = 512 * 1024 * 1024
CHUNK_BYTES = 128 * 1024
TAKE_TIMEOUT = 30.0  # seconds in which a client must take a chunk


class ResponseStart:
    """Status and headers of a response."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Create the start of a response; the names of headers are in lower case."""
        self.status = status
        self.headers = headers


class ResponseBuffer:
    """A response that one thread writes and the event loop reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, directory: Path | None = None) -> None:
        """Create a buffer. Temporary files are created in `directory`."""
        self.start: ResponseStart | None = None
        self.is_complete = False  # nothing more will be written
        self.is_broken = False  # the response ended before it was complete
        self._loop = loop
        self._directory = directory
        self._changed = asyncio.Event()  # for the reader
        self._condition = threading.Condition()  # for the writer
        self._chunks: deque[bytes] = deque()
        self._memory_bytes = 0
        self._file: IO[bytes] | None = None
        self._file_begin = self._file_end = 0
        self._is_aborted = False
        self._is_long = False

    @property
    def is_short(self) -> bool:
        """Return whether the response is complete and a single chunk of ordinary size."""
        return self.is_complete and not self.is_broken and not self._is_long and self._memory_bytes <= CHUNK_BYTES

    @property
    def unsent_bytes(self) -> int:
        """Return the bytes in memory that wait for the client."""
        return self._memory_bytes

    def write(self, chunk: bytes) -> None:
        """Add a chunk. Called by the thread. The first one is held back until the second, or the end.

        Raises:
            ClientDisconnected: the client has gone or takes nothing.
        """
        with self._condition:
            is_first = not self._is_long and not self._chunks
            while not self._is_aborted and not self._store(chunk):
                if not self._condition.wait(TAKE_TIMEOUT):
                    self._is_aborted = True
            if self._is_aborted:
                raise ClientDisconnected
            self._is_long = not is_first
        if self._is_long:
            self._loop.call_soon_threadsafe(self._changed.set)

    def write_file(self, file: FileIO) -> None:
        """Let the response consist of an open file, which this buffer closes. Called by the thread.

        Nothing is copied, so that many slow clients of a large file cost no more than their connections.

        Raises:
            ClientDisconnected: the client has gone.
        """
        with self._condition:
            if self._is_aborted:
                file.close()
                raise ClientDisconnected
            self._file, self._file_begin, self._file_end = file, 0, os.fstat(file.fileno()).st_size
            self._is_long = True
        self._loop.call_soon_threadsafe(self._changed.set)

    def complete(self, *, is_broken: bool = False) -> None:
        """Note that nothing more will be written. Called in the event loop."""
        self.is_complete = True
        self.is_broken = is_broken
        self._changed.set()

    async def wait_for_start(self) -> None:
        """Wait until the response is complete, or so long that it should be sent before."""
        while not (self.is_complete or self._is_aborted or self._is_long):
            await self._wait_for_change()

    async def read(self) -> bytes:
        """Return the next chunk; empty at the end."""
        while True:
            with self._condition:
                if chunk := self._take():
                    self._condition.notify()
                    return chunk
            if self.is_complete or self._is_aborted:
                return b""
            await self._wait_for_change()

    def abort(self) -> None:
        """Drop what is left, and let the thread end with its next chunk."""
        with self._condition:
            self._is_aborted = True
            self._chunks.clear()
            if self._file is not None:
                self._file.close()
                self._file, self._file_begin, self._file_end = None, 0, 0
            self._condition.notify()
        self._changed.set()

    async def _wait_for_change(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def _store(self, chunk: bytes) -> bool:
        """Keep a chunk and return whether there was room. What follows something in the file goes there, too."""
        is_file_empty = self._file_begin == self._file_end
        if is_file_empty and (not self._chunks or self._memory_bytes + len(chunk) <= MAX_MEMORY_BYTES):
            self._chunks.append(chunk)
            self._memory_bytes += len(chunk)
            return True
        return self._file_end + len(chunk) <= MAX_FILE_BYTES and self._store_in_file(chunk)

    def _store_in_file(self, chunk: bytes) -> bool:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0, dir=self._directory)  # noqa: SIM115 - closed by abort
            self._file.seek(self._file_end)
            self._file.write(chunk)
        except OSError as error:  # such as a full disk
            logger.warning("Cannot buffer a response: %s", error, extra={"action": "buffer_response"})
            return False
        self._file_end += len(chunk)
        return True

    def _take(self) -> bytes:
        if self._chunks:
            chunk = self._chunks.popleft()
            self._memory_bytes -= len(chunk)
            return chunk
        if self._file is None or self._file_begin == self._file_end:
            return b""
        self._file.seek(self._file_begin)
        chunk = self._file.read(min(CHUNK_BYTES, self._file_end - self._file_begin))
        self._file_begin += len(chunk)
        if self._file_begin == self._file_end:
            self._file_begin = self._file_end = 0
            with suppress(OSError):
                self._file.truncate(0)
        return chunk
