"""Close connections on which no request is handled: those that are idle, silent, or do not take their response.

The server has one timeout for everything before the headers of a request are complete. An idle connection has to stay
open for longer than proxies keep it, or they send a request into one that is being closed, while a client must not take
as long for its headers. Only the kernel can tell the two apart: it counts what each connection has received. Outside of
Linux there are no such counts, and the server's timeout is all there is.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADER_TIMEOUT = 20.0  # seconds for the headers of a request, and for the first request of a connection
STALLED_TIMEOUT = 30.0  # seconds in which a client must take some of its response
MAX_CONNECTIONS = 1024  # of one process; the server accepts no more
MAX_IDLE_CONNECTIONS = 768  # beyond, the oldest idle connection of the address with the most is closed

IS_SUPPORTED = sys.platform == "linux"
_DESCRIPTORS = Path("/proc/self/fd")
_SIOCOUTQ = 0x5411  # bytes that the peer has not acknowledged, see tcp(7)
_TCP_INFO_BYTES = 136
_BYTES_RECEIVED = 128  # offset of tcpi_bytes_received in struct tcp_info, see linux/tcp.h

Peer = tuple[str, int]


@dataclass
class _Connection:
    """The observations of a connection while it had no request."""

    since: float  # when it became idle, began to send headers, or last took some of its response
    received: int
    unsent: int
    has_had_request: bool = False
    is_receiving: bool = False

    def update(self, now: float, received: int, unsent: int) -> None:
        if unsent != self.unsent:
            self.unsent, self.since = unsent, now
        if received != self.received and not self.is_receiving:
            self.is_receiving, self.since = True, now

    def is_overdue(self, now: float, keep_alive: float) -> bool:
        if self.unsent:
            return now - self.since > STALLED_TIMEOUT
        is_waiting_for_headers = self.is_receiving or not self.has_had_request
        return now - self.since > (HEADER_TIMEOUT if is_waiting_for_headers else keep_alive)


class ConnectionSweeper:
    """Knows which connections of this process have a request, and closes others that take too long."""

    def __init__(self, port: int, keep_alive_seconds: float, max_idle: int = MAX_IDLE_CONNECTIONS) -> None:
        """Create a sweeper for connections to `port`; idle ones are kept for `keep_alive_seconds`."""
        self._keep_alive_seconds = keep_alive_seconds
        self._max_idle = max_idle
        self._requests: Counter[Peer] = Counter()  # running requests
        self._known: set[Peer] = set()  # connections that have had a request
        self._connections: dict[Peer, _Connection] = {}
        self._port = port

    @contextmanager
    def track(self, scope: dict[str, Any]) -> Iterator[None]:
        """Note that the connection of the ASGI scope has a request during the block."""
        peer = _peer(scope["client"])
        self._requests[peer] += 1
        try:
            yield
        finally:
            self._requests[peer] -= 1
            if not self._requests[peer]:
                del self._requests[peer]
            self._known.add(peer)
            self._connections.pop(peer, None)

    def sweep(self, now: float) -> None:
        """Close the connections that are overdue, and idle ones if there are too many. Called every second or so."""
        if not IS_SUPPORTED:
            return
        descriptors = dict(self._iterate_connections())
        self._known &= descriptors.keys()
        seen: dict[Peer, _Connection] = {}
        for peer, descriptor in descriptors.items():
            if peer in self._requests:
                continue
            if (counts := _read_counts(descriptor)) is None:
                continue
            connection = self._connections.get(peer) or _Connection(now, *counts, has_had_request=peer in self._known)
            connection.update(now, *counts)
            seen[peer] = connection
        self._connections = seen
        for peer in [*self._overdue(now), *self._surplus()]:
            _shut_down(descriptors[peer], peer)

    def _overdue(self, now: float) -> list[Peer]:
        return [peer for peer, seen in self._connections.items() if seen.is_overdue(now, self._keep_alive_seconds)]

    def _surplus(self) -> list[Peer]:
        """Return the connections to close since there are too many: of the addresses with the most, oldest first."""
        surplus = len(self._connections) - self._max_idle
        if surplus <= 0:
            return []
        by_address = Counter(address for address, _ in self._connections)
        oldest_first = sorted(self._connections, key=lambda peer: self._connections[peer].since)
        chosen: list[Peer] = []
        for address, count in by_address.most_common():
            chosen += [peer for peer in oldest_first if peer[0] == address][: min(count, surplus - len(chosen))]
            if len(chosen) >= surplus:
                break
        return chosen

    def _iterate_connections(self) -> Iterator[tuple[Peer, int]]:
        """Yield the peers of this process's connections, with their file descriptors."""
        for path in _DESCRIPTORS.iterdir():
            descriptor = int(path.name)
            with suppress(OSError):
                if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    continue
                with _borrow_socket(descriptor) as connection:
                    if self._is_ours(connection):
                        yield _peer(connection.getpeername()), descriptor

    def _is_ours(self, connection: socket.socket) -> bool:
        is_tcp = connection.family in (socket.AF_INET, socket.AF_INET6) and connection.type == socket.SOCK_STREAM
        return is_tcp and connection.getsockname()[1] == self._port


@contextmanager
def _borrow_socket(descriptor: int) -> Iterator[socket.socket]:
    """Return a socket object for a descriptor that belongs to the server, and don't close it. Raises OSError."""
    borrowed = socket.socket(fileno=descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _read_counts(descriptor: int) -> tuple[int, int] | None:
    """Return how many bytes a connection has received, and how many sent ones its peer has not acknowledged."""
    with suppress(OSError), _borrow_socket(descriptor) as connection:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        unsent = struct.unpack("i", fcntl.ioctl(descriptor, _SIOCOUTQ, bytes(4)))[0]
        return struct.unpack_from("Q", info, _BYTES_RECEIVED)[0], unsent
    return None


def _shut_down(descriptor: int, peer: Peer) -> None:
    """Shut a connection down, which the server notices and closes it, unless the descriptor has become another's."""
    with suppress(OSError):
        duplicate = os.dup(descriptor)
        with socket.socket(fileno=duplicate) as connection:
            if _peer(connection.getpeername()) == peer:
                connection.shutdown(socket.SHUT_RDWR)


def _peer(address: Any) -> Peer:
    return str(address[0]), int(address[1])
