"""An empty database for a restore: one with nothing in it, or with what an interrupted restore has left.

A marker table is created before anything else, and removed when the restored data has been compared. Until then the
database is not usable, whatever it contains.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from dashboard.server.backup.connections import DatabaseSession, fetch_value
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.table_sums import list_tables
from runs.db.migration_state import RESTORE_MARKER_TABLE

_LOCK_ID = 0x72657374_6F726521  # "restore!"
# What somebody created in the schema, apart from extensions.
_RELATIONS = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
        )
    ORDER BY relname"""
_MAX_NAMED_RELATIONS = 3
_MARKER = sql.Identifier(RESTORE_MARKER_TABLE)


@contextmanager
def claim_empty_database(session: DatabaseSession) -> Generator[None]:
    """Make the database empty but for the marker, and remove the marker when the block ends without an error.

    Raises BackupError if it contains anything else than what an interrupted restore has left, or if one is running.
    """
    if not fetch_value(session, f"SELECT pg_try_advisory_lock({_LOCK_ID})"):
        raise BackupError("Another restore into this database is running")
    try:
        _reject_content(session)
        _clear(session)
        yield
        session.execute(sql.SQL("DROP TABLE {}").format(_MARKER))
    finally:
        with suppress(psycopg.Error):  # a broken connection has lost the lock already
            session.execute(f"SELECT pg_advisory_unlock({_LOCK_ID})".encode())


def _reject_content(session: DatabaseSession) -> None:
    relations = [name for (name,) in session.execute(_RELATIONS).fetchall()]
    if relations and RESTORE_MARKER_TABLE not in relations:
        named = ", ".join(relations[:_MAX_NAMED_RELATIONS]) + (" …" if len(relations) > _MAX_NAMED_RELATIONS else "")
        raise BackupError(
            f"The database is not empty, it contains {named}: a backup is only restored into an empty one. "
            "Set RUNGLASS_DATA_DIR to a new directory, or DATABASE_URL to a new database"
        )


def _clear(session: DatabaseSession) -> None:
    with session.transaction():
        session.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ()").format(_MARKER))
        for table in list_tables(session):
            if table != RESTORE_MARKER_TABLE:
                session.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
