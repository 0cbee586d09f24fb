"""The address that the site listens on, bound once for all workers."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from granian.net import SocketHolder, SocketSpec  # type: ignore[attr-defined]

from dashboard.server.tls_files import TlsFiles

LISTEN_BACKLOG = 1024  # connections that wait to be accepted
LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - wildcard addresses can't be connected to


class ListenAddressError(Exception):
    """The server can't listen on this address."""


@dataclass(frozen=True)
class ListenAddress:
    """An address to listen on: `host` as requested, `ip` and `port` as resolved, and a socket for each worker.

    With `tls`, it is one of https.
    """

    host: str
    ip: str
    port: int
    sockets: tuple[SocketHolder, ...] = ()
    tls: TlsFiles | None = None

    @property
    def url(self) -> str:
        """The URL of this address: `http://127.0.0.1:8000/`."""
        return f"{'https' if self.tls else 'http'}://{self._url_host}:{self.port}/"

    @property
    def is_wildcard(self) -> bool:
        """Return whether this means all addresses of the machine."""
        return self.ip in LOOPBACK_BY_WILDCARD

    def allowed_hosts(self, configured: list[str]) -> list[str]:
        """Return the configured ALLOWED_HOSTS and, if it is a single one, the host of this address."""
        if self.is_wildcard or self._url_host in configured:
            return configured
        return [*configured, self._url_host]

    @property
    def _url_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def bind_address(host: str, port: int, workers: int = 1, tls: TlsFiles | None = None) -> ListenAddress:
    """Bind the address of `host` and `port`, which no other process can take from now on; port 0 means any free port.

    Connections are refused until the workers listen.

    Raises:
        ListenAddressError: it can't be listened on.
    """
    if not 0 <= port < 65536:
        raise ListenAddressError(f"Cannot listen on {host}:{port}: the port must be a number from 0 to 65535")
    try:
        family, kind, protocol, _, socket_address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as reservation:
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections don't block the port
            reservation.bind(socket_address)  # fails if any other socket has the address
            ip, free_port = reservation.getsockname()[:2]
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # from now on, ours can have it, too
            sockets = tuple(_bind_worker_socket(ip, free_port) for _ in range(max(workers, 1)))
    except OSError as error:
        raise ListenAddressError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another address with --host and --port"
        ) from error
    return ListenAddress(host, ip, free_port, sockets, tls)


def _bind_worker_socket(ip: str, port: int) -> SocketHolder:
    """Bind a socket that does not listen yet. Each worker has its own, so that the kernel spreads connections."""
    holder = SocketSpec(ip, port, LISTEN_BACKLOG).build()
    with socket.socket(fileno=os.dup(holder.get_fd())) as duplicate:
        # While it does not listen, a socket of another process with this option could take the address.
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return holder
