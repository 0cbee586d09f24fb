"""The process beside the workers in which `runs.enrichment.backfill` happens, for as long as `up` serves."""

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
from runs.enrichment.backfill import Backfill

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # seconds between looks at what is due
NICENESS = 10  # a backlog must not slow pages and posts down
SHUTDOWN_TIMEOUT = 5.0  # seconds for what is being done at the end


@contextmanager
def run_maintenance_process() -> Generator[None]:
    """Keep house in a process of its own while the body runs; one that was killed is replaced."""
    keeper = _MaintenanceSupervisor()
    keeper.start()
    try:
        yield
    finally:
        keeper.end()


class _MaintenanceSupervisor(threading.Thread):
    """Starts the process, and another one when it ends. Forks, so that all share the memory of the code."""

    def __init__(self) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self._ending = threading.Event()
        self._process = _fork_maintenance_process()

    def run(self) -> None:
        while not self._ending.is_set():
            self._process.join()
            if not self._ending.wait(IDLE_SECONDS):
                self._process = _fork_maintenance_process()

    def end(self) -> None:
        self._ending.set()
        self._process.terminate()
        self._process.join(SHUTDOWN_TIMEOUT)


def _fork_maintenance_process() -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_run_maintenance, args=(os.getpid(),), name="upkeep", daemon=True
    )
    process.start()
    return process


def _run_maintenance(parent: int) -> None:
    die_with_parent(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(NICENESS)
    upkeep = Backfill()
    while True:
        if not _run_maintenance_step(upkeep):
            time.sleep(IDLE_SECONDS)


def _run_maintenance_step(upkeep: Backfill) -> bool:
    """Do a piece of what is due; whether there is more. A database that is away is asked again later."""
    try:
        return upkeep.step()
    except DatabaseError as error:
        logger.info("Upkeep waits: %s", error, extra={"action": "upkeep_waits"})
        connection.close()
        return False
