"""The web server: granian's workers, each a fork of the process that runs `up`."""

from __future__ import annotations

import gc
import http.client
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connections
from django.urls import get_resolver
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from dashboard.server.gateway import Gateway
from dashboard.server.maintenance_process import run_maintenance_process
from dashboard.server.postgres.process import die_with_parent

logger = logging.getLogger(__name__)

WSGI_MODULE = "dashboard.wsgi"
THREADS_PER_WORKER = 8  # also the number of database connections of a worker
READINESS_WARNING_SECONDS = 30.0
HEADER_TIMEOUT = 20  # seconds for the headers of a request; idle connections are closed after it, too
# A post of 500 runs creates about 50,000 objects, which all live until the response. With Python's default threshold
# of 700, the garbage collector took a tenth of the time.
GC_THRESHOLDS = (100_000, 20, 20)
SHUTDOWN_TIMEOUT = 5  # seconds that open requests have to finish
LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - wildcard addresses can't be connected to


class ListenAddressError(Exception):
    """The server can't listen on this address."""


@dataclass(frozen=True)
class ListenAddress:
    """An address to listen on: `host` as requested, `ip` and `port` as resolved."""

    host: str
    ip: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the site: `http://127.0.0.1:8000/`."""
        return f"http://{self._url_host}:{self.port}/"

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


def find_free_address(host: str, port: int) -> ListenAddress:
    """Return the address of `host` and `port`; port 0 means any free port.

    Raises ListenAddressError if it can't be listened on.
    """
    if not 0 <= port < 65536:
        raise ListenAddressError(f"Cannot listen on {host}:{port}: the port must be a number from 0 to 65535")
    try:
        family, kind, protocol, _, socket_address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections don't block the port
            probe.bind(socket_address)
            probe.listen()
            ip, free_port = probe.getsockname()[:2]
    except OSError as error:
        raise ListenAddressError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another address with --host and --port"
        ) from error
    return ListenAddress(host, ip, free_port)


def serve(address: ListenAddress, workers: int, on_ready: Callable[[], None]) -> None:
    """Serve the site until SIGINT or SIGTERM. Call `on_ready` after the first successful request.

    Exits the process with code 1 if the workers can't be kept running.
    """
    hosts = address.allowed_hosts(settings.ALLOWED_HOSTS)
    _preload_application()
    server = _GranianServer(
        f"{WSGI_MODULE}:application",
        address=address.ip,
        port=address.port,
        interface=Interfaces.ASGINL,
        workers=workers,
        http=HTTPModes.http1,  # the only version with timeouts
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT * 1000),
        backpressure=1024,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=SHUTDOWN_TIMEOUT,
        log_level=LogLevels.error,
        log_dictconfig=settings.LOGGING,
    )
    server.after_start = partial(_notify_when_ready, address, _choose_host_header(hosts, address), on_ready)
    with run_maintenance_process():
        server.serve(target_loader=partial(_load_worker_application, os.getpid(), hosts), wrap_loader=False)


class _GranianServer(Granian):  # type: ignore[misc, valid-type]
    """Granian with a hook that runs after the workers have been forked: no thread may run before."""

    after_start: Callable[[], None]

    def startup(self, *args: Any) -> None:
        super().startup(*args)
        self.after_start()


def _preload_application() -> None:
    """Import all code before the fork, so that workers share its memory and start fast."""
    import_module(WSGI_MODULE)
    _ = get_resolver().url_patterns
    connections.close_all()  # workers must not share a connection
    gc.collect()
    gc.freeze()


def _load_worker_application(parent_pid: int, hosts: list[str]) -> Callable[..., Any]:
    die_with_parent(parent_pid, signal.SIGKILL)
    settings.ALLOWED_HOSTS = hosts
    gc.set_threshold(*GC_THRESHOLDS)
    return Gateway(import_module(WSGI_MODULE).application, THREADS_PER_WORKER, settings.MAX_BODY_BYTES)


def _choose_host_header(hosts: list[str], address: ListenAddress) -> str:
    """Return a host name that ALLOWED_HOSTS accepts."""
    named = [host.removeprefix(".") for host in hosts if host != "*"]
    return named[0] if named else address.ip


def _notify_when_ready(address: ListenAddress, host_header: str, on_ready: Callable[[], None]) -> None:
    def poll() -> None:
        deadline = time.monotonic() + READINESS_WARNING_SECONDS
        while not _is_healthy(address, host_header):
            if time.monotonic() > deadline:
                logger.error("No response yet from %shealthz with host %s", address.url, host_header)
                deadline += READINESS_WARNING_SECONDS
            time.sleep(0.02)
        on_ready()

    threading.Thread(target=poll, name="readiness", daemon=True).start()


def _is_healthy(address: ListenAddress, host_header: str) -> bool:
    ip = LOOPBACK_BY_WILDCARD.get(address.ip, address.ip)
    connection = http.client.HTTPConnection(ip, address.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
