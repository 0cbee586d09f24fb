"""The process beside the workers that runs `runs.enrichment.maintenance` while `up` serves."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from dashboard.monitoring.instance_state import InstanceStateCollector
from dashboard.monitoring.metrics import PROCESS_REPLACEMENTS, measure_memory
from dashboard.monitoring.process_values import MAINTENANCE_PROCESS, become_process, get_shared_directory
from dashboard.server.backup.schedule import start_backup_schedule
from dashboard.server.heartbeats import BEAT_SECONDS, Heartbeats
from dashboard.server.lock_waits import LockWait
from dashboard.server.postgres.process import die_with_parent
from runs.enrichment.maintenance import Maintenance
from runs.responses import rederive_next_turns
from runs.team.bulk_actions import continue_bulk_action
from runs.team.refusals import delete_old_refusals
from runs.team.retention import RetentionWorker
from runs.traces.pending import delete_traces_without_runs, derive_due_traces
from runs.transfer.forwarding.worker import start_forwarding

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # between checks for work
NICENESS = 10  # a backlog must not slow down pages and posts
SHUTDOWN_TIMEOUT = 5.0  # seconds for the current step at the end
# Every item needs some queries, and what is computed for one is bounded. A single query may take as long as it likes:
# that is the work of the database.
STUCK_SECONDS = 120.0  # without a query


@contextmanager
def run_maintenance_process() -> Generator[None]:
    """Run the maintenance process during the block; replace it if it is killed, or hangs."""
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
        self._heartbeats = Heartbeats(1)
        self._process = _fork_maintenance_process(self._heartbeats)

    def run(self) -> None:
        while not self._stopping.is_set():
            self._process.join(BEAT_SECONDS)
            if self._process.is_alive():
                self._replace_if_hung()
            elif not self._stopping.wait(IDLE_SECONDS):
                PROCESS_REPLACEMENTS.labels("maintenance").inc()
                self._process = _fork_maintenance_process(self._heartbeats)

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._process.join(SHUTDOWN_TIMEOUT)

    def _replace_if_hung(self) -> None:
        if self._heartbeats.find_hung() and not self._stopping.is_set():
            logger.error("The maintenance process hangs and is replaced", extra={"action": "replace_maintenance"})
            self._process.kill()
            self._process.join()
            self._process = _fork_maintenance_process(self._heartbeats)


class _Progress:
    """Tells whether this thread, which creates it, still does something: it runs queries, one after the other."""

    def __init__(self) -> None:
        self._lock_wait = LockWait()
        self._last_query = time.monotonic()
        self._is_in_query = False

    def execute(self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement. Django calls this for each one."""
        self._is_in_query = True
        try:
            return execute(statement, params, many, context)
        finally:
            self._is_in_query, self._last_query = False, time.monotonic()

    def beat(self, heartbeats: Heartbeats) -> None:
        """Give signs of life as long as there is progress."""
        while True:
            now = time.monotonic()
            if self._is_in_query or now - self._last_query < STUCK_SECONDS:
                heartbeats.beat(0, is_stuck=self._lock_wait.is_deadlock(now))
            time.sleep(BEAT_SECONDS)


def _fork_maintenance_process(heartbeats: Heartbeats) -> BaseProcess:
    heartbeats.expect(0)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_run_maintenance, args=(os.getpid(), heartbeats), name="maintenance", daemon=True)
    process.start()
    return process


def _run_maintenance(parent_pid: int, heartbeats: Heartbeats) -> None:
    die_with_parent(parent_pid, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent stops us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(NICENESS)
    become_process(MAINTENANCE_PROCESS)
    progress = _Progress()
    threading.Thread(target=progress.beat, args=(heartbeats,), name="heartbeat", daemon=True).start()
    start_backup_schedule()
    start_forwarding()
    further_work = (
        derive_due_traces,
        delete_traces_without_runs,
        rederive_next_turns,
        continue_bulk_action,
        RetentionWorker().apply_retention,
        delete_old_refusals,
    )
    maintenance = Maintenance(further_work)
    directory = get_shared_directory()
    collector = None if directory is None else InstanceStateCollector(directory)
    with connection.execute_wrapper(progress.execute):
        while True:
            if not _run_maintenance_step(maintenance, collector):
                time.sleep(IDLE_SECONDS)


def _run_maintenance_step(maintenance: Maintenance, collector: InstanceStateCollector | None) -> bool:
    """Run one step and return whether there is more to do. If the database is not available, the step is retried."""
    try:
        has_more = maintenance.step()
        _collect_state(maintenance, collector)
        return has_more
    except (DatabaseError, InterfaceError) as error:
        logger.info("Maintenance waits for the database: %s", error, extra={"action": "maintenance_waits"})
        connection.close()
        _note_outage(collector)
        return False


def _collect_state(maintenance: Maintenance, collector: InstanceStateCollector | None) -> None:
    """Collect the numbers of the instance if they are due. Raises Django's DatabaseError."""
    measure_memory()
    if collector is not None and collector.is_due():
        with suppress(OSError):  # the disk is full
            collector.collect(maintenance)


def _note_outage(collector: InstanceStateCollector | None) -> None:
    if collector is not None:
        with suppress(OSError):
            collector.note_outage()
