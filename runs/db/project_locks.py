"""Locks between the writers of a project's records and deletion.

Ingest decides what to write by what is stored already, such as a configuration or a metadata value. Deletion removes
these once no run uses them. So a writer holds a shared lock until its transaction ends, for which no other writer
waits, and deletion an exclusive one for each of its transactions, which are short.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.db import OperationalError, connection

from runs.errors import TooManyRetries

# A writer that hangs must not stop deletion, which makes all other writers wait while it waits itself.
_MAX_WAIT = "5s"
_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext('records'), %s::integer)"
_LOCK_EXCLUSIVELY = "SELECT pg_advisory_xact_lock(hashtext('records'), %s::integer)"
_DELETION_COUNT = "SELECT deletion_count FROM project WHERE id = %s"


def lock_records_shared(project_id: int) -> Callable[[], int]:
    """Hold back deletion in the project until the transaction ends, from before the first statement after this.

    Return a function that fetches the number of deletions so far. In `sql.pipeline`, no round trip is added.
    """
    lock, count = psycopg.Cursor(connection.connection), psycopg.Cursor(connection.connection)
    lock.execute(_LOCK_SHARED, [project_id])
    count.execute(_DELETION_COUNT, [project_id])

    def fetch() -> int:
        with lock, count:
            row = count.fetchone()
            return row[0] if row else 0

    return fetch


def lock_records_exclusively(project_id: int) -> None:
    """Hold back all writers of the project until the transaction ends. Call it before anything else is read.

    Raises TooManyRetries if a writer does not end in time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_MAX_WAIT])
        try:
            cursor.execute(_LOCK_EXCLUSIVELY, [project_id])
        except OperationalError as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise TooManyRetries("The project is busy. Try again.") from error
            raise
