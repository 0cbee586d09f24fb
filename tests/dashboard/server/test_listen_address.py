"""Tests of the address that is bound once for all workers."""

from __future__ import annotations

import os
import socket

import pytest

from dashboard.server.listen_address import ListenAddressError, bind_address


@pytest.mark.parametrize("reuse_address", [True, False])
def test_bound_port_can_not_be_taken(reuse_address) -> None:
    address = bind_address("127.0.0.1", 0, workers=2)

    with socket.socket() as other:
        if reuse_address:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", address.port))
    with pytest.raises(ListenAddressError, match="in use"):
        bind_address("127.0.0.1", address.port)


def test_workers_share_the_port() -> None:
    address = bind_address("127.0.0.1", 0, workers=2)

    sockets = [socket.socket(fileno=os.dup(worker.get_fd())) for worker in address.sockets]
    for worker in sockets:
        worker.listen()
    with socket.create_connection(("127.0.0.1", address.port), timeout=5):
        pass
    assert {worker.getsockname()[1] for worker in sockets} == {address.port}
    for worker in sockets:
        worker.close()
