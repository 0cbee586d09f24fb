"""Tests of closing connections that have no request."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from dashboard.server.gateway.connections import HEADER_TIMEOUT, IS_SUPPORTED, STALLED_TIMEOUT, ConnectionSweeper
from tests.dashboard.server.gateway.asgi import scope

KEEP_ALIVE = 600.0
pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="only Linux tells what a connection has received")


class Server:
    """Accepts connections of this process, whose two ends it returns."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = self._listener.getsockname()[1]
        self.sweeper = ConnectionSweeper(self.port, KEEP_ALIVE, max_idle=4)

    def connect(self, address: str = "127.0.0.1", *, has_had_request: bool = False) -> Connection:
        client = self._stack.enter_context(
            socket.create_connection(("127.0.0.1", self.port), timeout=5, source_address=(address, 0))
        )
        accepted = self._stack.enter_context(self._listener.accept()[0])
        connection = Connection(client, accepted)
        if has_had_request:
            with self.sweeper.track(connection.scope):
                pass
        return connection


class Connection:
    def __init__(self, client: socket.socket, accepted: socket.socket) -> None:
        self.client, self.accepted = client, accepted
        self.scope = {**scope(), "client": client.getsockname()}

    @property
    def is_open(self) -> bool:
        """Return whether the server has not closed the connection, after taking what it has sent."""
        self.client.setblocking(False)
        try:
            while received := self.client.recv(1_000_000):
                pass
        except BlockingIOError:
            return True
        return bool(received)


@pytest.fixture
def server() -> Iterator[Server]:
    with ExitStack() as stack:
        yield Server(stack)


def test_idle_connection_is_kept_for_proxies(server) -> None:
    connection = server.connect(has_had_request=True)

    for now in (0, KEEP_ALIVE):
        server.sweeper.sweep(now)
        assert connection.is_open
    server.sweeper.sweep(KEEP_ALIVE + 1)
    assert not connection.is_open


def test_connection_without_request_is_closed_early(server) -> None:
    connection = server.connect()

    server.sweeper.sweep(0)
    server.sweeper.sweep(HEADER_TIMEOUT)
    assert connection.is_open
    server.sweeper.sweep(HEADER_TIMEOUT + 1)
    assert not connection.is_open


def test_slow_headers_are_cut_off(server) -> None:
    connection = server.connect(has_had_request=True)
    server.sweeper.sweep(0)

    for second in range(int(HEADER_TIMEOUT) + 2):
        assert connection.is_open
        connection.client.send(b"G")
        server.sweeper.sweep(100 + second)
    assert not connection.is_open


def test_running_request_keeps_its_connection(server) -> None:
    connection = server.connect()
    with server.sweeper.track(connection.scope):
        server.sweeper.sweep(0)
        server.sweeper.sweep(10 * KEEP_ALIVE)
    server.sweeper.sweep(10 * KEEP_ALIVE + 1)
    server.sweeper.sweep(11 * KEEP_ALIVE)
    assert connection.is_open


def test_stalled_reader_is_cut_off(server) -> None:
    connection = server.connect(has_had_request=True)
    connection.accepted.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            connection.accepted.send(b"x" * 100_000)

    server.sweeper.sweep(0)
    server.sweeper.sweep(STALLED_TIMEOUT)
    server.sweeper.sweep(STALLED_TIMEOUT + 1)
    assert not connection.is_open


def test_too_many_idle_connections_of_one_address_are_closed(server) -> None:
    other = server.connect("127.0.0.2", has_had_request=True)
    server.sweeper.sweep(0)
    first, *later = [server.connect(has_had_request=True) for _ in range(4)]
    server.sweeper.sweep(1)

    assert not first.is_open
    assert all(connection.is_open for connection in (other, *later))
