"""Run one request in a thread, such that it can be ended from outside."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.monitoring.request_record import RECORD_KEY, RequestRecord, bind_record
from dashboard.server.gateway.disconnection import ClientDisconnected
from dashboard.server.gateway.response_buffer import ResponseBuffer, ResponseStart
from dashboard.server.gateway.wsgi_bridge import WsgiApplication, WsgiEnviron, run_wsgi_application
from dashboard.server.lock_waits import LockWait
from dashboard.web.cpu_time_limit import discard_connections, raise_in_thread
from runs.errors import QueryTimeout

logger = logging.getLogger(__name__)

STUCK_SECONDS = 120.0  # without a query or a chunk of the response: longer than any request computes
CANCEL_TIMEOUT = 2.0  # seconds to tell the database that a query is not needed any more


class RequestJob:
    """A request in its thread."""

    def __init__(self, application: WsgiApplication, environ: WsgiEnviron, buffer: ResponseBuffer) -> None:
        """Create a job that writes the response into `buffer`."""
        self.last_progress = time.monotonic()
        self._application = application
        self._environ = environ
        self._record: RequestRecord = environ[RECORD_KEY]
        self._buffer = buffer
        self._lock = threading.Lock()  # so that an interruption never hits the next request of the thread
        self._connection: BaseDatabaseWrapper | None = None
        self._thread_id: int | None = None
        self._is_interrupted = False
        self._lock_wait: LockWait | None = None

    def is_stuck(self, now: float) -> bool:
        """Return whether the job makes no progress any more. Called every second or so, by another thread."""
        is_deadlocked = self._lock_wait is not None and self._lock_wait.is_deadlock(now)
        return is_deadlocked or now - self.last_progress > STUCK_SECONDS

    def run(self) -> bool:
        """Run the request in this thread and return whether its response is complete."""
        self._lock_wait = LockWait()
        with self._lock:
            self._connection, self._thread_id = connections["default"], threading.get_ident()
        try:
            with bind_record(self._record), connection.execute_wrapper(self._execute):
                run_wsgi_application(
                    self._application, self._environ, self._start, self._write, self._buffer.write_file
                )
        except ClientDisconnected:
            return False
        except (DatabaseError, QueryTimeout):  # of a cursor that was being read, which is no statement of its own
            if self._is_interrupted:
                return False
            raise
        finally:
            self._record.ended = time.monotonic()
            self._leave_thread()
            if self._is_interrupted:
                discard_connections()  # a late cancellation must not end the next request's query
        return True

    def _leave_thread(self) -> None:
        """Let no interruption reach this thread any more, whenever the last one came."""
        while self._thread_id is not None:
            with suppress(ClientDisconnected), self._lock:
                raise_in_thread(threading.get_ident(), None)
                self._connection = self._thread_id = None

    def interrupt(self) -> None:
        """End the running query; the job ends with its next one. Called by another thread; may be repeated.

        A job that still runs at the second call computes, and is ended wherever it is.
        """
        with self._lock:
            if self._is_interrupted and self._thread_id is not None:
                raise_in_thread(self._thread_id, ClientDisconnected)
            self._is_interrupted = True
            session = None if self._connection is None else self._connection.connection
            if session is None:
                return
            try:
                session.cancel_safe(timeout=CANCEL_TIMEOUT)
            except psycopg.Error as error:
                logger.info("Cannot cancel a query: %s", error, extra={"action": "cancel_query"})

    def _start(self, start: ResponseStart) -> None:
        self._record.status = start.status
        self._buffer.start = start

    def _write(self, chunk: bytes) -> None:
        self.last_progress = time.monotonic()
        self._buffer.write(chunk)

    def _execute(self, execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement. Django calls this for each one."""
        if self._is_interrupted:
            raise ClientDisconnected
        self.last_progress = time.monotonic()
        try:
            return execute(statement, params, many, context)
        except (DatabaseError, QueryTimeout) as error:
            if self._is_interrupted:
                raise ClientDisconnected from error
            raise
