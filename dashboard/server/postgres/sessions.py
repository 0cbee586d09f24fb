"""Who owns the server of a data directory, and who joins.

Two locks decide. `owner.lock` is held by the process whose child the server is. `guests.lock` is shared by
all that joined. An ending command waits until it can have the guests' lock for itself, so a server is never
taken away from a command in the middle of its work; `up` doesn't wait, since Ctrl-C means now. If an owner
is killed, the first guest that needs a new connection becomes the owner.
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
OWNER_LOCK_TIMEOUT = 10.0  # seconds that `own` gives a command that is just ending


class PostgresSession:
    """This process's use of one data directory's server, from the first call to `parameters` or `own`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._place = resolve_cluster_paths(data_dir)
        self._owner_lock = FileLock(self._place.owner_lock)
        self._guests_lock = FileLock(self._place.guests_lock)
        self._server: PostgresServer | None = None
        self._mutex = threading.RLock()

    def parameters(self) -> dict[str, str]:
        """Connection parameters of a running server, which is started if there is none.

        Raises EmbeddedPostgresError.
        """
        with self._mutex:
            if self._server is not None:
                self._server.wait_until_ready()
                return self._server.parameters
            first_time = not self._guests_lock.held
            return self._join(until_ready=first_time)

    def own(self, on_failure: Callable[[], None] | None = None) -> PostgresServer:
        """Start a server, ours until `close`. Raises DirectoryInUseError if another process has one."""
        with self._mutex:
            deadline = time.monotonic() + OWNER_LOCK_TIMEOUT
            while not self._take(self._owner_lock):
                if time.monotonic() > deadline:
                    raise DataDirectoryInUseError(
                        f"The database in {self._data_dir} is used by {self._owner_lock.holder()}: "
                        "wait until it has ended, or set RUNGLASS_DATA_DIR to another directory"
                    )
                time.sleep(POLL_INTERVAL)
            return self._start(on_failure)

    def close(self, *, patient: bool) -> None:
        """Stop the server if it is ours; with `patient`, when the last guest has gone."""
        with self._mutex:
            if self._server is not None:
                if not self._take(self._guests_lock) and patient:
                    self._wait_for_guests()
                self._server.stop()
                self._server = None
            self._owner_lock.release()
            self._guests_lock.release()

    def _join(self, *, until_ready: bool) -> dict[str, str]:
        self._take(self._guests_lock, shared=True, wait=True)
        while True:
            if self._take(self._owner_lock):
                self._guests_lock.release()
                return self._start().parameters
            directory = self._place.socket_directory()
            if directory is not None:
                parameters = build_connection_params(directory, self._place.password.read_text())
                if not until_ready or accepts_connections(parameters):
                    return parameters
            time.sleep(POLL_INTERVAL)

    def _start(self, on_failure: Callable[[], None] | None = None) -> PostgresServer:
        try:
            server = PostgresServer(get_or_create_cluster(self._place), on_failure)
            self._server = server
            server.start()
        except BaseException:  # also Ctrl-C: whatever happens, nothing half started stays
            self._abandon()
            raise
        return server

    def _abandon(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._owner_lock.release()

    def _wait_for_guests(self) -> None:
        print(
            "The database is still used by another Runglass command; waiting for it (Ctrl-C: stop it now)",
            file=sys.stderr,
        )
        try:
            self._take(self._guests_lock, wait=True)
        except KeyboardInterrupt:
            return

    def _take(self, lock: FileLock, *, shared: bool = False, wait: bool = False) -> bool:
        if lock.held:
            return True
        try:
            return lock.take(shared=shared, wait=wait)
        except OSError as error:
            raise DataDirectoryUnusableError(
                f"The data directory {self._data_dir} can't be used: {error.strerror} ({error.filename})"
            ) from error


_sessions: dict[Path, PostgresSession] = {}
_inherited: list[PostgresSession] = []  # by a fork: the parent's to close, kept so that nothing is closed by accident
_mutex = threading.Lock()


def get_postgres_session(data_dir: Path) -> PostgresSession:
    """This process's session for `data_dir`. What it started is stopped when the process ends."""
    with _mutex:
        if data_dir not in _sessions:
            _sessions[data_dir] = PostgresSession(data_dir)
        return _sessions[data_dir]


@atexit.register
def close_all_sessions() -> None:
    """Stop every server that is ours, once nobody else needs it."""
    for one in _sessions.values():
        one.close(patient=True)
    _sessions.clear()


def _leave_sessions_to_parent() -> None:
    global _mutex
    _mutex = threading.Lock()
    _inherited.extend(_sessions.values())
    _sessions.clear()


os.register_at_fork(after_in_child=_leave_sessions_to_parent)
