"""Ownership of the server of a data directory: one process owns it, others join.

Two locks decide. The process whose child the server is holds `owner.lock`. All processes that joined share
`guests.lock`. A command that ends waits until it can lock the guests' lock exclusively, so the server is never stopped
while another command still uses it; `up` doesn't wait, because Ctrl-C must take effect at once. If the owner is killed,
the first guest that needs a new connection becomes the owner.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dashboard.server.postgres.cluster import get_or_create_cluster
from dashboard.server.postgres.errors import DataDirectoryInUseError, DataDirectoryUnusableError
from dashboard.server.postgres.locks import FileLock
from dashboard.server.postgres.paths import resolve_cluster_paths
from dashboard.server.postgres.server import PostgresServer, accepts_connections, build_connection_params

POLL_INTERVAL = 0.05
OWNER_LOCK_TIMEOUT = 10.0  # seconds that `own` waits for a command that is about to end


class PostgresSession:
    """The use of one data directory's server by this process, from its first call of `connection_params` or `own`."""

    def __init__(self, data_dir: Path) -> None:
        """Create a session for `data_dir`, without starting or joining a server."""
        self._data_dir = data_dir
        self._paths = resolve_cluster_paths(data_dir)
        self._owner_lock = FileLock(self._paths.owner_lock)
        self._guests_lock = FileLock(self._paths.guests_lock)
        self._server: PostgresServer | None = None
        self._mutex = threading.RLock()

    def connection_params(self) -> dict[str, str]:
        """Return the connection parameters of the running server; start one if there is none.

        Raises EmbeddedPostgresError.
        """
        with self._mutex:
            if self._server is not None:
                self._server.wait_until_ready()
                return self._server.connection_params
            is_first_time = not self._guests_lock.is_held
            return self._join(wait_until_ready=is_first_time)

    def own(self, on_failure: Callable[[], None] | None = None) -> PostgresServer:
        """Start a server that this process owns until `close`.

        Raises:
            DataDirectoryInUseError: another process owns a server.
        """
        with self._mutex:
            deadline = time.monotonic() + OWNER_LOCK_TIMEOUT
            while not self._acquire(self._owner_lock):
                if time.monotonic() > deadline:
                    raise DataDirectoryInUseError(
                        f"The database in {self._data_dir} is in use by {self._owner_lock.describe_holder()}: "
                        "wait until it has ended, or set RUNGLASS_DATA_DIR to another directory"
                    )
                time.sleep(POLL_INTERVAL)
            return self._start(on_failure)

    def close(self, *, wait_for_guests: bool) -> None:
        """Leave the server, or stop it if this process owns it: at once, or when the last guest has left."""
        with self._mutex:
            if self._server is not None:
                if not self._acquire(self._guests_lock) and wait_for_guests:
                    self._wait_for_guests()
                self._server.stop()
                self._server = None
            self._owner_lock.release()
            self._guests_lock.release()

    def _join(self, *, wait_until_ready: bool) -> dict[str, str]:
        self._acquire(self._guests_lock, shared=True, wait=True)
        while True:
            if self._acquire(self._owner_lock):
                self._guests_lock.release()
                return self._start().connection_params
            directory = self._paths.read_socket_directory()
            if directory is not None:
                params = build_connection_params(directory, self._read_site_password())
                if not wait_until_ready or accepts_connections(params):
                    return params
            time.sleep(POLL_INTERVAL)

    def _read_site_password(self) -> str:
        try:
            return self._paths.site_password.read_text()
        except FileNotFoundError as error:
            raise DataDirectoryInUseError(
                f"The database in {self._data_dir} is run by an earlier version of Runglass "
                f"({self._owner_lock.describe_holder()}): restart that one first"
            ) from error

    def _start(self, on_failure: Callable[[], None] | None = None) -> PostgresServer:
        try:
            server = PostgresServer(get_or_create_cluster(self._paths), on_failure)
            self._server = server
            server.start()
        except BaseException:  # including Ctrl-C: never leave a half-started server behind
            if self._server is not None:
                self._server.stop()
                self._server = None
            self._owner_lock.release()
            raise
        return server

    def _wait_for_guests(self) -> None:
        print(
            "Another Runglass command still uses the database; waiting for it (press Ctrl-C to stop it now)",
            file=sys.stderr,
        )
        try:
            self._acquire(self._guests_lock, wait=True)
        except KeyboardInterrupt:
            return

    def _acquire(self, lock: FileLock, *, shared: bool = False, wait: bool = False) -> bool:
        if lock.is_held:
            return True
        try:
            return lock.acquire(shared=shared, wait=wait)
        except OSError as error:
            raise DataDirectoryUnusableError(
                f"Cannot use the data directory {self._data_dir}: {error.strerror} ({error.filename}). "
                "Set RUNGLASS_DATA_DIR to a directory that you own"
            ) from error


_sessions: dict[Path, PostgresSession] = {}
_inherited: list[PostgresSession] = []  # kept in a forked child, since only the parent may close them
_mutex = threading.Lock()


def get_postgres_session(data_dir: Path) -> PostgresSession:
    """Return this process's session for `data_dir`. What it starts is stopped when the process ends."""
    with _mutex:
        if data_dir not in _sessions:
            _sessions[data_dir] = PostgresSession(data_dir)
        return _sessions[data_dir]


@atexit.register
def close_all_sessions() -> None:
    """Stop every server that this process owns, once no other process uses it."""
    for session in _sessions.values():
        session.close(wait_for_guests=True)
    _sessions.clear()


def _leave_sessions_to_parent() -> None:
    global _mutex
    _mutex = threading.Lock()
    _inherited.extend(_sessions.values())
    _sessions.clear()


os.register_at_fork(after_in_child=_leave_sessions_to_parent)
