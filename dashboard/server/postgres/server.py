"""One running server: started as a child process, watched, restarted if it was killed, and stopped."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from dashboard.server.postgres.cluster import DATABASE_NAME, SERVER_ENVIRONMENT, SUPERUSER, Cluster
from dashboard.server.postgres.errors import PostgresServerError
from dashboard.server.postgres.server_log import NO_SPACE, find_failure_reason
from dashboard.server.postgres.site_role import (
    SITE_ROLE,
    create_database,
    create_site_role,
    owns_database,
    take_over_database,
)
from dashboard.server.postgres.stale_servers import clean_up_stale_server

logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.02
SOCKET_LOCK_FILE = ".s.PGSQL.5432.lock"
MAX_LOG_BYTES = 5_000_000
SHUTDOWN_TIMEOUT = 60.0
SHARED_MEMORY_IN_USE = "pre-existing shared memory block"  # backends of a killed server take a moment to exit
SHARED_MEMORY_TIMEOUT = 60.0
DISK_FULL_RETRY_INTERVAL = 5.0


def build_connection_params(socket_directory: Path, password: str) -> dict[str, str]:
    """Return the connection parameters, without the database name, of a server that listens in a directory."""
    return {"host": str(socket_directory), "port": "5432", "user": SITE_ROLE, "password": password}


def accepts_connections(params: dict[str, str]) -> bool:
    """Return whether a server accepts connections, that is, it isn't starting, recovering or shutting down."""
    conninfo = make_conninfo(**params, dbname="postgres", connect_timeout=5)
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK


class PostgresServer:
    """The server of one cluster, while this process owns it.

    A thread starts `postgres` and waits for it, because Linux takes the end of the starting thread for the end of the
    parent. If the server ends unexpectedly and can't be restarted, that thread calls `on_failure`.
    """

    def __init__(self, cluster: Cluster, on_failure: Callable[[], None] | None = None) -> None:
        """Prepare the server of `cluster`, without starting it."""
        self.failure: PostgresServerError | None = None
        self._cluster = cluster
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._has_started = False  # until then, `start` reports a failure
        self._settled = threading.Event()  # it accepts connections, or it has failed
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor = threading.Thread(target=self._supervise, name="postgres-supervisor", daemon=True)
        self.connection_params = build_connection_params(cluster.paths.directory, "")

    def start(self) -> None:
        """Start the server; return when it accepts connections, however long crash recovery takes.

        Raises PostgresServerError, with the reason that Postgres gave, if the server ends before.
        """
        paths = self._cluster.paths
        clean_up_stale_server(paths.data)
        self._socket_directory = paths.make_socket_directory()
        self.connection_params = build_connection_params(self._socket_directory, paths.site_password.read_text())
        self._supervisor.start()
        self.wait_until_ready()
        self._set_up_database()
        self._has_started = True

    def connect_as_superuser(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection for what the role of the site may not do. It commits each statement."""
        password = self._cluster.paths.superuser_password.read_text()
        params = {**self.connection_params, "user": SUPERUSER, "password": password}
        return psycopg.connect(make_conninfo(**params, dbname=database), autocommit=True)

    def wait_until_ready(self) -> None:
        """Wait while the server starts or restarts. Raises PostgresServerError if it can't be started."""
        self._settled.wait()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back. Return when the process has ended."""
        self._stopping.set()
        if self._supervisor.ident is None:
            return  # it was never started
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._process is not None:
                self._process.send_signal(signum)
            self._supervisor.join(SHUTDOWN_TIMEOUT)
            if not self._supervisor.is_alive():
                break
        self._cluster.paths.remove_socket_directory()

    def _supervise(self) -> None:
        try:
            self._run_until_stopped()
        except OSError as error:
            self._fail(str(error))

    def _run_until_stopped(self) -> None:
        retry_deadline = time.monotonic() + SHARED_MEMORY_TIMEOUT
        while not self._stopping.is_set():
            process = self._spawn()
            if self._wait_for_connections(process):
                self._settled.set()
                exit_status = process.wait()
                self._settled.clear()
                retry_deadline = time.monotonic() + SHARED_MEMORY_TIMEOUT
                if not self._stopping.is_set():
                    logger.error("The database server ended unexpectedly (status %s); restarting it", exit_status)
                    clean_up_stale_server(self._cluster.paths.data)
                continue
            log = self._read_log()
            if SHARED_MEMORY_IN_USE in log and time.monotonic() < retry_deadline:
                time.sleep(0.2)
            elif NO_SPACE in log and self._has_started:
                self._wait_for_disk_space(find_failure_reason(log))
            elif not self._stopping.is_set():
                self._fail(find_failure_reason(log) or f"{self._cluster.paths.log} is empty")
                return

    def _wait_for_disk_space(self, reason: str) -> None:
        """Wait a while before the next start. The site runs on, and answers with 503 until there is room again."""
        logger.error("The disk of %s is full, waiting for room: %s", self._cluster.paths.data, reason)
        self._stopping.wait(DISK_FULL_RETRY_INTERVAL)

    def _spawn(self) -> subprocess.Popen[bytes]:
        log = self._cluster.paths.log
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.rename(log.with_suffix(".old"))
        log.touch(mode=0o600)
        self._cluster.paths.os_user.take_ownership(log)  # the cluster's next owner may be the user itself
        (self._socket_directory / SOCKET_LOCK_FILE).unlink(missing_ok=True)  # another process may have its pid now
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603
                self._cluster.build_server_command(self._socket_directory),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=SERVER_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C must only reach this process, which stops the server after its clients
            )
        if self._stopping.is_set():  # `stop` was called while there was no process to signal
            self._process.send_signal(signal.SIGINT)
        return self._process

    def _wait_for_connections(self, process: subprocess.Popen[bytes]) -> bool:
        """Return true when the server accepts connections, false when its process has ended."""
        while process.poll() is None:
            if accepts_connections(self.connection_params):
                return True
            time.sleep(POLL_INTERVAL)
        return False

    def _fail(self, reason: str) -> None:
        if NO_SPACE in reason:
            reason += f". The disk of {self._cluster.paths.data} is full: make room on it"
        self.failure = PostgresServerError(f"Cannot start the database server: {reason}")
        self._settled.set()
        if self._has_started:
            logger.critical("%s", self.failure)
            if self._on_failure is not None:
                self._on_failure()

    def _read_log(self) -> str:
        """Return what the server has logged since it was started."""
        with self._cluster.paths.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _set_up_database(self) -> None:
        """Create the role and the database of the site, or hand the database of an earlier version to the role."""
        with self.connect_as_superuser("postgres") as superuser:
            create_site_role(superuser, self._cluster.paths.site_password.read_text())
            is_set_up = owns_database(superuser, DATABASE_NAME)
            if is_set_up is None:
                create_database(superuser, DATABASE_NAME)
        if is_set_up is False:
            with self.connect_as_superuser(DATABASE_NAME) as superuser:
                take_over_database(superuser, DATABASE_NAME)
