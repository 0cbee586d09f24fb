"""Connections through a pooler such as PgBouncer, which may use another server connection for each transaction.

What lives longer than a transaction on the server does not work with it: prepared statements, temporary tables,
cursors WITH HOLD, session locks. Direct connections use the first two, since they save a tenth of the time of a post.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

# Number of executions after which psycopg prepares a statement by itself; the value None would turn off
# `prepare=True`, too.
_NEVER_BY_ITSELF = 2**31


def configure_new_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Allow prepared statements on a direct connection. A receiver of Django's signal `connection_created`."""
    with connection.wrap_database_errors:
        direct = not leads_to_pooler(connection.connection)
    connection.connection.prepare_threshold = _NEVER_BY_ITSELF if direct else None


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    """Return whether an open connection leads to a pooler."""
    return connection.connection.prepare_threshold is None


def leads_to_pooler(connection: psycopg.Connection[Any]) -> bool:
    """Return whether another process runs our statements than the one that has accepted the connection.

    A pooler invents the process id that it sends for cancel requests.
    """
    pid = connection.execute("SELECT pg_backend_pid()").fetchone()
    return pid is None or pid[0] != connection.info.backend_pid
