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
THREADS_PER_WORKER = 8  # of a worker: as many requests may wait for the database at once, on a connection each
READINESS_WARNING_SECONDS = 30.0  # seconds until it is worth a line that the first answer isn't there yet
HEADER_TIMEOUT = 20  # seconds for the headers of a request, and until a connection on which none comes is closed
# A post of 500 runs makes some 50,000 objects, none of them garbage before it is answered: looking for some every
# 700, as Python does by itself, was a tenth of the work.
GC_THRESHOLDS = (100_000, 20, 20)
SHUTDOWN_TIMEOUT = 5  # seconds that open requests are given at the end
LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to ask when listening on every address


class ListenAddressError(Exception):
    """The address can't be listened on."""


@dataclass(frozen=True)
class ListenAddress:
    """Where to listen: `host` as it was asked for, `ip` and `port` as they were found."""

    host: str
    ip: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def everywhere(self) -> bool:
        return self.ip in LOOPBACK_BY_WILDCARD

    def allowed_hosts(self, configured: list[str]) -> list[str]:
        """The names under which the site may be asked for: those configured, and the one listened on."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return configured if self.everywhere or own in configured else [*configured, own]


def find_free_address(host: str, port: int) -> ListenAddress:
    """The address of `host` and `port`, which nobody listens on; for port 0, of any free port.

    Raises AddressError with the reason.
    """
    if not 0 <= port < 65536:
        raise ListenAddressError(f"Can't listen on {host}:{port}: there is no such port")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ending ones don't count
            probe.bind(place)
            probe.listen()
            ip, chosen = probe.getsockname()[:2]
    except OSError as error:
        raise ListenAddressError(f"Can't listen on {host}:{port}: {error.strerror}. Try --port") from error
    return ListenAddress(host, ip, chosen)


def serve(address: ListenAddress, workers: int, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, calling `on_ready` when the first request was answered.

    Ends the process with exit code 1 if the workers can't be kept running.
    """
    hosts = address.allowed_hosts(settings.ALLOWED_HOSTS)
    _preload_application()
    server = _GranianServer(
        f"{WSGI_MODULE}:application",
        address=address.ip,
        port=address.port,
        interface=Interfaces.ASGINL,
        workers=workers,
        http=HTTPModes.http1,  # for which alone there are timeouts
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
    """Granian, with a hook after its workers were forked, which no thread should run during."""

    after_start: Callable[[], None]

    def startup(self, *args: Any) -> None:
        super().startup(*args)
        self.after_start()


def _preload_application() -> None:
    """Load all code here, so that the workers share the memory it takes and start at once."""
    import_module(WSGI_MODULE)
    _ = get_resolver().url_patterns
    connections.close_all()  # a fork must not share one
    gc.collect()
    gc.freeze()


def _load_worker_application(parent: int, hosts: list[str]) -> Callable[..., Any]:
    die_with_parent(parent, signal.SIGKILL)
    settings.ALLOWED_HOSTS = hosts
    gc.set_threshold(*GC_THRESHOLDS)
    return Gateway(import_module(WSGI_MODULE).application, THREADS_PER_WORKER, settings.MAX_BODY_BYTES)


def _choose_host_header(hosts: list[str], address: ListenAddress) -> str:
    """A name under which the site answers: the one it listens on, unless the configuration says otherwise."""
    named = [host.removeprefix(".") for host in hosts if host != "*"]
    return named[0] if named else address.ip


def _notify_when_ready(address: ListenAddress, host: str, on_ready: Callable[[], None]) -> None:
    def ask() -> None:
        deadline = time.monotonic() + READINESS_WARNING_SECONDS
        while not _is_healthy(address, host):
            if time.monotonic() > deadline:
                logger.error("%s doesn't answer %shealthz yet", host, address.url)
                deadline += READINESS_WARNING_SECONDS
            time.sleep(0.02)
        on_ready()

    threading.Thread(target=ask, name="readiness", daemon=True).start()


def _is_healthy(address: ListenAddress, host: str) -> bool:
    asked = http.client.HTTPConnection(LOOPBACK_BY_WILDCARD.get(address.ip, address.ip), address.port, timeout=5)
    try:
        asked.request("GET", "/healthz", headers={"Host": host})
        return asked.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
