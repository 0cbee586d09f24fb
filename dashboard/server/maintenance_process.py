"""The process beside the workers that runs `runs.enrichment.maintenance` while `up` serves."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from django.db import DatabaseError, connection

from dashboard.server.postgres.process import die_with_parent
from runs.enrichment.maintenance import Maintenance

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # between checks for work
NICENESS = 10  # a backlog must not slow down pages and posts
SHUTDOWN_TIMEOUT = 5.0  # seconds for the current step at the end


@contextmanager
def run_maintenance_process() -> Generator[None]:
    """Run the maintenance process during the block; replace it if it is killed."""
    supervisor = _MaintenanceSupervisor()
    supervisor.start()
    try:
        yield
    finally:
        supervisor.stop()


class _MaintenanceSupervisor(threading.Thread):
    """Starts the process, and restarts it when it ends. The process is forked to share the memory of the code."""

    def __init__(self) -> None:
        super().__init__(name="maintenance-supervisor", daemon=True)
        self._stopping = threading.Event()
        self._process = _fork_maintenance_process()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._process.join()
            if not self._stopping.wait(IDLE_SECONDS):
                self._process = _fork_maintenance_process()

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._process.join(SHUTDOWN_TIMEOUT)


def _fork_maintenance_process() -> BaseProcess:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_run_maintenance, args=(os.getpid(),), name="maintenance", daemon=True)
    process.start()
    return process


def _run_maintenance(parent_pid: int) -> None:
    die_with_parent(parent_pid, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent stops us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(NICENESS)
    maintenance = Maintenance()
    while True:
        if not _run_maintenance_step(maintenance):
            time.sleep(IDLE_SECONDS)


def _run_maintenance_step(maintenance: Maintenance) -> bool:
    """Run one step and return whether there is more to do. If the database is not available, the step is retried."""
    try:
        return maintenance.step()
    except DatabaseError as error:
        logger.info("Maintenance waits for the database: %s", error, extra={"action": "maintenance_waits"})
        connection.close()
        return False
