"""Connections of backups: direct ones, without the time limits of reads, beside Django's."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection as django_connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from dashboard.server.backup.errors import BackupError
from runs.db.poolers import leads_to_pooler

DatabaseSession = psycopg.Connection[tuple[Any, ...]]

# How rows are written as text must not depend on the server, since their hashes are compared.
_SESSION_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # since Postgres 17
    "max_parallel_workers_per_gather": "0",  # one processor is enough, the others are for pages and posts
}


@contextmanager
def open_database_session() -> Generator[DatabaseSession]:
    """Open a connection to the database of the site, beside Django's. Raises Django's DatabaseError and BackupError."""
    params = django_connection.get_connection_params()
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    conninfo = make_conninfo(**{name: value for name, value in params.items() if name in known})
    with django_connection.wrap_database_errors, psycopg.connect(conninfo, autocommit=True) as session:
        if leads_to_pooler(session):
            raise BackupError(
                "DATABASE_URL leads to a pooler, but pg_dump needs a connection of its own: run the command with the "
                "DATABASE_URL of the server itself"
            )
        configure_database_session(session)
        yield session


def configure_database_session(session: DatabaseSession) -> None:
    """Set what backups depend on."""
    for name, value in _SESSION_SETTINGS.items():
        session.execute("SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s", [value, name])


@contextmanager
def export_snapshot(session: DatabaseSession) -> Generator[str]:
    """Read one state of the database in this block, and return the name by which pg_dump can read the same."""
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield str(fetch_value(session, "SELECT pg_export_snapshot()"))


def fetch_value(session: DatabaseSession, statement: str) -> Any:
    """Return the first column of the first row of a statement's result; None without a row."""
    row = session.execute(statement.encode()).fetchone()
    return None if row is None else row[0]
