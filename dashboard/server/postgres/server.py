"""One running server: started as our child, watched, started again if it was killed, stopped."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from dashboard.server.postgres.cluster import DATABASE_NAME, SERVER_ENVIRONMENT, Cluster
from dashboard.server.postgres.errors import PostgresServerError
from dashboard.server.postgres.stale_servers import clean_up_stale_server

logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.02
SOCKET_LOCK_FILE = ".s.PGSQL.5432.lock"
MAX_LOG_BYTES = 5_000_000
SHUTDOWN_TIMEOUT = 60.0
SHARED_MEMORY_IN_USE = "pre-existing shared memory block"  # backends of a killed server take a moment to notice
SHARED_MEMORY_TIMEOUT = 60.0


def build_connection_params(socket_directory: Path, password: str) -> dict[str, str]:
    """The connection parameters of a server that listens in `socket_directory`, without a database name."""
    return {"host": str(socket_directory), "port": "5432", "user": DATABASE_NAME, "password": password}


def accepts_connections(parameters: dict[str, str]) -> bool:
    """Whether a server answers there and isn't just starting, recovering or ending."""
    conninfo = make_conninfo(**parameters, dbname="postgres", connect_timeout=5)
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK


class PostgresServer:
    """The server of one cluster, as long as this process owns it.

    A thread of its own starts `postgres` and waits for it, because Linux takes the end of the starting thread
    for the end of the parent. `on_failure` is called from it if the server ended and can't be started again.
    """

    def __init__(self, cluster: Cluster, on_failure: Callable[[], None] | None = None) -> None:
        self.failure: PostgresServerError | None = None
        self._cluster = cluster
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._settled = threading.Event()  # either it accepts connections or it has failed
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)
        self.parameters = build_connection_params(cluster.place.directory, "")

    def start(self) -> None:
        """Start and return when it accepts connections, however long the recovery from a crash takes.

        Raises ServerError with the last lines of its log if it ends before.
        """
        place = self._cluster.place
        clean_up_stale_server(place.data)
        self._socket_directory = place.make_socket_directory()
        self.parameters = build_connection_params(self._socket_directory, place.password.read_text())
        self._keeper.start()
        self.wait_until_ready()
        self._ensure_database()

    def wait_until_ready(self) -> None:
        """Wait while it starts. Raises ServerError if it can't be started (again)."""
        self._settled.wait()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Roll back what is open, write everything down, end. Returns when the process is gone."""
        self._stopping.set()
        if self._keeper.ident is None:
            return  # it never came to be
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._process is not None:
                self._process.send_signal(signum)
            self._keeper.join(SHUTDOWN_TIMEOUT)
            if not self._keeper.is_alive():
                break
        self._cluster.place.remove_socket_directory()

    def _keep(self) -> None:
        try:
            self._run_until_stopped()
        except OSError as error:
            self._fail(str(error))

    def _run_until_stopped(self) -> None:
        lingering_until = time.monotonic() + SHARED_MEMORY_TIMEOUT
        while not self._stopping.is_set():
            process = self._spawn()
            if self._becomes_ready(process):
                self._settled.set()
                status = process.wait()
                self._settled.clear()
                lingering_until = time.monotonic() + SHARED_MEMORY_TIMEOUT
                if not self._stopping.is_set():
                    logger.error("The database server ended by itself (status %s), starting it again", status)
                    clean_up_stale_server(self._cluster.place.data)
            elif SHARED_MEMORY_IN_USE in self._last_lines() and time.monotonic() < lingering_until:
                time.sleep(0.2)
            elif not self._stopping.is_set():
                self._fail(self._last_lines())
                return

    def _spawn(self) -> subprocess.Popen[bytes]:
        log = self._cluster.place.log
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.rename(log.with_suffix(".old"))
        log.touch(mode=0o600)
        self._cluster.place.account.give(log)  # who owned the cluster before us may own it again
        (self._socket_directory / SOCKET_LOCK_FILE).unlink(missing_ok=True)  # its pid may be somebody's by now
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603
                self._cluster.server_command(self._socket_directory),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=SERVER_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us, who stop it after its users
            )
        if self._stopping.is_set():  # it was asked to stop before it could be told
            self._process.send_signal(signal.SIGINT)
        return self._process

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None:
            if accepts_connections(self.parameters):
                return True
            time.sleep(POLL_INTERVAL)
        return False

    def _fail(self, reason: str) -> None:
        self.failure = PostgresServerError(f"The database server could not be started: {reason}")
        logger.critical("%s", self.failure)
        self._settled.set()
        if self._on_failure is not None:
            self._on_failure()

    def _last_lines(self, count: int = 3) -> str:
        with self._cluster.place.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-count:]) or f"nothing in {self._cluster.place.log}"

    def _ensure_database(self) -> None:
        conninfo = make_conninfo(**self.parameters, dbname="postgres")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE_NAME]).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME)))
