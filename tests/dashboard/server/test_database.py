"""Tests of DATABASES."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError

from dashboard.server.database import build_databases, describe_database_error
from dashboard.server.postgres.errors import DataDirectoryInUseError


def test_embedded_server_is_the_default() -> None:
    default = build_databases("", Path("/var/lib/here"))["default"]

    assert default["ENGINE"] == "dashboard.server.postgres.backend"
    assert default["DATA_DIR"] == Path("/var/lib/here")


def test_options_of_the_url_take_precedence() -> None:
    default = build_databases("postgresql://ann:p%40ss@db:6432/runs?sslmode=require&connect_timeout=9", Path())[
        "default"
    ]

    assert (default["HOST"], default["PORT"], default["NAME"]) == ("db", 6432, "runs")
    assert (default["USER"], default["PASSWORD"]) == ("ann", "p@ss")
    assert default["OPTIONS"] == {"sslmode": "require", "connect_timeout": 9}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "is not a URL"),
        ("mysql://ann:secret@db/runs", "begins with mysql://, which is not a Postgres URL"),
        ("sqlite:///runs", "begins with sqlite://"),
        ("postgresql+psycopg://ann:secret@db/runs", "write postgresql://"),
        ("postgresql://ann:secret@db:x/runs", "invalid port"),
        ("postgresql://ann:secret@db:99999/runs", "invalid port"),
        ("postgresql://ann:secret@db", "has no database name"),
        ("postgresql://ann:secret@db/", "has no database name"),
        *((f"postgresql://ann:sec{character}secret@db/runs", "percent-encode") for character in "#/?@%[]:"),
        ("postgresql://ann:100%@db/runs", "% as %25"),
        ("postgresql://ann:secret@db/runs?schema=public", "option schema, .* search_path"),
        ("postgresql://ann:secret@db/runs?pgbouncer=true", "option pgbouncer, .*poolers are detected"),
        ("postgresql://ann:secret@db/runs?connection_limit=5", "option connection_limit, which Postgres does not know"),
        ("postgresql://ann:secret@db/runs?sslmode=wrong", "sslmode=wrong: expected one of disable, allow"),
        ("postgresql://ann:secret@db/runs?connect_timeout=soon", "connect_timeout=soon: expected a whole number"),
    ],
)
def test_invalid_url_is_rejected_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"DATABASE_URL .*{reason}") as caught:
        build_databases(url, Path())

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql:///runs", "postgres://%2Frun%2Fpostgresql/runs", "postgresql://[::1]:5432/runs"]
)
def test_unusual_valid_url_is_accepted(url: str) -> None:
    assert build_databases(url, Path())["default"]["NAME"] == "runs"


def test_connection_error_says_what_to_check() -> None:
    error = OperationalError(
        "connection failed: port 1 failed: Connection refused\n\tIs the server running on that host?"
    )

    assert describe_database_error(error) == (
        "Cannot connect to the database: port 1 failed: Connection refused. "
        "Check that the server is running and that DATABASE_URL is correct"
    )


def test_error_of_the_embedded_server_is_unchanged() -> None:
    error = OperationalError()
    error.__cause__ = DataDirectoryInUseError("The database is in use")

    assert describe_database_error(error) == "The database is in use"
