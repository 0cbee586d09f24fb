"""The web server: granian, with sockets that were bound before, and with workers that are replaced when they hang."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from dashboard.server.gateway.connections import HEADER_TIMEOUT, IS_SUPPORTED, MAX_CONNECTIONS
from dashboard.server.heartbeats import BEAT_SECONDS, Heartbeats
from dashboard.server.listen_address import LISTEN_BACKLOG, ListenAddress

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 5  # seconds that open requests have to finish


class GranianServer(Granian):  # type: ignore[misc, valid-type]
    """A server of ASGI applications.

    The `target_loader` of `serve` is called in each worker, with the function that it calls every second as a sign of
    life, and returns the application.
    """

    def __init__(
        self, address: ListenAddress, workers: int, keep_alive_seconds: float, on_started: Callable[[], None]
    ) -> None:
        """Create a server.

        Args:
            address: the address to listen on, with a socket for each worker.
            workers: the number of worker processes.
            keep_alive_seconds: how long idle connections are kept; see `dashboard.server.gateway.connections`.
            on_started: is called after the workers have been forked: no thread may run before.
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
            workers_kill_timeout=SHUTDOWN_TIMEOUT,
            log_level=LogLevels.error,
            log_dictconfig=settings.LOGGING,
        )
        self._sockets = address.sockets
        self._heartbeats = Heartbeats(workers)
        self._on_started = on_started

    def startup(self, *args: Any) -> None:
        """Fork the workers and begin to watch them."""
        super().startup(*args)
        threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True).start()
        self._on_started()

    def _init_shared_socket(self) -> None:
        self._ssp: Any = None
        self._shd: Any = None
        self._sso: Any = None

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[..., Any]) -> Any:
        self._shd = self._sockets[idx]
        self._heartbeats.expect(idx)
        return super()._spawn_worker(idx, target, partial(callback_loader, partial(self._heartbeats.beat, idx)))

    def _supervise(self) -> None:
        """Kill workers that hang. Granian then replaces them."""
        while not self.interrupt_signal:
            time.sleep(BEAT_SECONDS)
            for index in self._heartbeats.find_hung():
                logger.error("Worker %s hangs and is replaced", index + 1, extra={"action": "replace_worker"})
                self._heartbeats.expect(index)
                os.kill(self.wrks[index].inner.pid, signal.SIGKILL)
