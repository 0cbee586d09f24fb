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
from runs.enrichment.backfill import Upkeep

logger = logging.getLogger(__name__)

REST = 5.0  # seconds between looks at what is due
NICENESS = 10  # a backlog must not slow pages and posts down
GRACE = 5.0  # seconds for what is being done at the end


@contextmanager
def housekeeping() -> Generator[None]:
    """Keep house in a process of its own while the body runs; one that was killed is replaced."""
    keeper = _Keeper()
    keeper.start()
    try:
        yield
    finally:
        keeper.end()


class _Keeper(threading.Thread):
    """Starts the process, and another one when it ends. Forks, so that all share the memory of the code."""

    def __init__(self) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self._ending = threading.Event()
        self._process = _forked()

    def run(self) -> None:
        while not self._ending.is_set():
            self._process.join()
            if not self._ending.wait(REST):
                self._process = _forked()

    def end(self) -> None:
        self._ending.set()
        self._process.terminate()
        self._process.join(GRACE)


def _forked() -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=_keep, args=(os.getpid(),), name="upkeep", daemon=True)
    process.start()
    return process


def _keep(parent: int) -> None:
    die_with_parent(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(NICENESS)
    upkeep = Upkeep()
    while True:
        if not _did(upkeep):
            time.sleep(REST)


def _did(upkeep: Upkeep) -> bool:
    """Do a piece of what is due; whether there is more. A database that is away is asked again later."""
    try:
        return upkeep.step()
    except DatabaseError as error:
        logger.info("Upkeep waits: %s", error, extra={"action": "upkeep_waits"})
        connection.close()
        return False
