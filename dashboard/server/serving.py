"""Serve the site: start the web server, and load the gateway in its workers, forks of the process that runs `up`."""

from __future__ import annotations

import asyncio
import gc
import http.client
import logging
import os
import resource
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connections
from django.urls import get_resolver

from dashboard.monitoring.process_values import become_process, get_shared_directory, name_worker, share_values
from dashboard.server.gateway import Gateway
from dashboard.server.gateway.body_reader import RequestBodies
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.connections import MAX_CONNECTIONS, ConnectionSweeper
from dashboard.server.granian_server import GranianServer
from dashboard.server.heartbeats import BEAT_SECONDS, Heartbeat
from dashboard.server.listen_address import LOOPBACK_BY_WILDCARD, ListenAddress
from dashboard.server.maintenance_process import run_maintenance_process
from dashboard.server.postgres.process import die_with_parent

logger = logging.getLogger(__name__)

WSGI_MODULE = "dashboard.wsgi"
READINESS_WARNING_SECONDS = 30.0
MIN_OPEN_FILES = 2 * MAX_CONNECTIONS  # of a worker
# A post of 500 runs creates about 50,000 objects, which all live until the response. With Python's default threshold
# of 700, the garbage collector took a tenth of the time.
GC_THRESHOLDS = (100_000, 20, 20)
# The event loop waits for its turn with each busy thread. With Python's 5 ms, health checks took 100 ms beside ten.
SWITCH_INTERVAL = 0.001  # seconds


def serve(address: ListenAddress, workers: int, grace_seconds: int, on_ready: Callable[[], None]) -> None:
    """Serve the site until SIGINT or SIGTERM. Call `on_ready` after the first successful request.

    Then connections are refused, and running requests have `grace_seconds` to be answered.

    Exits the process with code 1 if the workers can't be kept running.
    """
    hosts = address.allowed_hosts(settings.ALLOWED_HOSTS)
    share_values(settings.DATA_DIR / "monitoring", map(name_worker, range(workers)))
    _preload_application()
    on_started = partial(_notify_when_ready, address, _choose_host_header(hosts, address), on_ready)
    server = GranianServer(address, workers, settings.KEEP_ALIVE_SECONDS, on_started, grace_seconds)
    with run_maintenance_process():
        server.serve(target_loader=partial(_load_worker_application, os.getpid(), hosts, address), wrap_loader=False)


def _preload_application() -> None:
    """Import all code before the fork, so that workers share its memory and start fast."""
    import_module(WSGI_MODULE)
    _ = get_resolver().url_patterns
    connections.close_all()  # workers must not share a connection
    gc.collect()
    gc.freeze()


def _load_worker_application(
    parent_pid: int, hosts: list[str], address: ListenAddress, index: int, beat: Heartbeat
) -> Callable[..., Any]:
    die_with_parent(parent_pid, signal.SIGKILL)
    become_process(name_worker(index))
    settings.ALLOWED_HOSTS = hosts
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL)
    _raise_open_files_limit()
    connections = ConnectionSweeper(address.port, settings.KEEP_ALIVE_SECONDS)
    gateway = Gateway(
        import_module(WSGI_MODULE).application,
        ClientResolver(settings.TRUSTED_PROXIES, trust_private_scheme=settings.HTTPS),
        connections,
        RequestBodies(settings.MAX_BODY_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        spool_directory=settings.DATA_DIR,
        script_name=settings.FORCE_SCRIPT_NAME or "",
    )

    if (directory := get_shared_directory()) is not None:
        gateway.resume_activity(directory)

    async def keep_watch() -> None:
        while True:
            connections.sweep(time.monotonic())
            beat(is_stuck=gateway.is_stuck(time.monotonic()))
            with suppress(OSError):  # the disk is full
                gateway.measure(directory)
            await asyncio.sleep(BEAT_SECONDS)

    # Granian has set the event loop, and runs it after this function.
    gateway.start_task(keep_watch(), asyncio.get_event_loop_policy().get_event_loop())
    return gateway


def _raise_open_files_limit() -> None:
    """Allow enough open files for all connections, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MIN_OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(MIN_OPEN_FILES, hard), hard))


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
    connection = _connect(ip, address.port) if address.tls is None else _connect_with_tls(ip, address.port)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connect(ip: str, port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(ip, port, timeout=5)


def _connect_with_tls(ip: str, port: int) -> http.client.HTTPConnection:
    context = ssl.create_default_context()
    context.check_hostname = False  # this is our own server, under an address that the certificate need not name
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(ip, port, timeout=5, context=context)
