"""The web server: granian, with sockets that were bound before, and with workers that are replaced when they hang."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from dashboard.monitoring.metrics import PROCESS_REPLACEMENTS
from dashboard.server.gateway.connections import HEADER_TIMEOUT, IS_SUPPORTED, MAX_CONNECTIONS
from dashboard.server.heartbeats import BEAT_SECONDS, Heartbeats
from dashboard.server.listen_address import LISTEN_BACKLOG, ListenAddress

logger = logging.getLogger(__name__)

MIN_TLS_VERSION = str(SSLProtocols.tls12)
DEFAULT_GRACE_SECONDS = 10  # that running requests have at the end
# A worker that loses its socket while it accepts connections does not end before the grace period is over.
STOP_ACCEPTING_SECONDS = 0.3
SECOND_SIGNAL_SECONDS = 1.0  # after the first signal; before, it is the same one by way of another process


class GranianServer(Granian):  # type: ignore[misc, valid-type]
    """A server of ASGI applications.

    The `target_loader` of `serve` is called in each worker, with its index and the function that it calls every second
    as a sign of life (`Heartbeat`), and returns the application.
    """

    def __init__(
        self,
        address: ListenAddress,
        workers: int,
        keep_alive_seconds: float,
        on_started: Callable[[], None],
        grace_seconds: int = DEFAULT_GRACE_SECONDS,
    ) -> None:
        """Create a server.

        Args:
            address: the address to listen on, with a socket for each worker.
            workers: the number of worker processes.
            keep_alive_seconds: how long idle connections are kept; see `dashboard.server.gateway.connections`.
            on_started: is called after the workers have been forked: no thread may run before.
            grace_seconds: how long running requests may go on after a signal to stop.
        """
        timeout = keep_alive_seconds + 1 if IS_SUPPORTED else HEADER_TIMEOUT
        super().__init__(
            "",  # the target is loaded by a function
            address=address.ip,
            port=address.port,
            interface=Interfaces.ASGINL,
            workers=workers,
            http=HTTPModes.http1,  # the only version with timeouts
            http1_settings=HTTP1Settings(header_read_timeout=int(timeout * 1000)),
            backlog=LISTEN_BACKLOG,
            backpressure=MAX_CONNECTIONS,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=grace_seconds,
            log_level=LogLevels.error,
            log_dictconfig=settings.LOGGING,
        )
        if address.tls is not None:  # the files are in memory, where Granian would not find them
            certificate, key = address.tls.certificate, address.tls.key
            self.ssl_ctx: Any = (True, certificate, key, None, MIN_TLS_VERSION, None, [], False)
        self._sockets = address.sockets
        self._interrupted_at = 0.0
        self._heartbeats = Heartbeats(workers)
        self._spawned: set[int] = set()
        self._on_started = on_started

    def startup(self, *args: Any) -> None:
        """Fork the workers and begin to watch them."""
        super().startup(*args)
        threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True).start()
        self._on_started()

    def signal_handler_interrupt(self, *args: Any) -> None:
        """Stop: answer what is running, for as long as the grace period lasts or until another signal."""
        now = time.monotonic()
        if not self.interrupt_signal:
            self._interrupted_at = now
        elif now - self._interrupted_at > SECOND_SIGNAL_SECONDS:
            for worker in self.wrks:
                worker.kill()
        super().signal_handler_interrupt(*args)

    def _stop_workers(self) -> None:
        """Stop the workers and refuse connections, which would wait on our sockets until all workers have ended."""
        for worker in self.wrks:
            worker.terminate()
        time.sleep(STOP_ACCEPTING_SECONDS)
        for holder in self._sockets:
            with suppress(OSError), socket.socket(fileno=os.dup(holder.get_fd())) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)
        super()._stop_workers()

    def _init_shared_socket(self) -> None:
        self._ssp: Any = None
        self._shd: Any = None
        self._sso: Any = None

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[..., Any]) -> Any:
        self._shd = self._sockets[idx]
        self._heartbeats.expect(idx)
        if idx in self._spawned:
            PROCESS_REPLACEMENTS.labels("worker").inc()
        self._spawned.add(idx)
        return super()._spawn_worker(idx, target, partial(callback_loader, idx, partial(self._heartbeats.beat, idx)))

    def _supervise(self) -> None:
        """Kill workers that hang. Granian then replaces them."""
        while not self.interrupt_signal:
            time.sleep(BEAT_SECONDS)
            for index in self._heartbeats.find_hung():
                logger.error("Worker %s hangs and is replaced", index + 1, extra={"action": "replace_worker"})
                self._heartbeats.expect(index)
                os.kill(self.wrks[index].inner.pid, signal.SIGKILL)
