"""Django's DATABASES: the server of DATABASE_URL, or the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.utils import DatabaseError

from dashboard.server.database_url import parse_database_url
from dashboard.server.postgres.errors import EmbeddedPostgresError

MIN_POSTGRES_VERSION = 15
EMBEDDED_ENGINE = "dashboard.server.postgres.backend"

# Each worker has a small, fixed number of threads, so one persistent connection for each is cheaper than a pool. It is
# checked once per request and reopened if it is broken. Statements are not prepared on the server (Django's default),
# because generic plans are a hundred times slower for our lists.
PERSISTENT_CONNECTIONS: dict[str, Any] = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
CONNECT_TIMEOUT_SECONDS = 5


def build_databases(url: str, data_dir: Path) -> dict[str, dict[str, Any]]:
    """Return DATABASES for the Postgres URL `url`, or for the embedded server of `data_dir` if it is empty.

    Raises ImproperlyConfigured for any other URL. The message never contains the password.
    """
    if not url:
        embedded = {"ENGINE": EMBEDDED_ENGINE, "NAME": "runglass", "DATA_DIR": data_dir}
        return {"default": {**embedded, **PERSISTENT_CONNECTIONS}}
    config: dict[str, Any] = {**parse_database_url(url), **PERSISTENT_CONNECTIONS}
    config["OPTIONS"] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **config.get("OPTIONS", {})}
    return {"default": config}


def describe_database_error(error: DatabaseError) -> str:
    """Return a one-line message for the user of a command whose database is not available."""
    if isinstance(error.__cause__, EmbeddedPostgresError):
        return str(error.__cause__)
    lines = [line.strip() for line in str(error).splitlines()]
    reason = " ".join(line for line in lines if not line.startswith("Is the server running"))
    reason = reason.removeprefix("connection failed: ").rstrip(".")
    if getattr(error.__cause__, "sqlstate", None) is not None:  # the server sent this error
        return f"Database error: {reason}"
    return (
        f"Cannot connect to the database: {reason}. Check that the server is running and that DATABASE_URL is correct"
    )
