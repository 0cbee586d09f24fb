"""Tests of `dashboard.server.startup_checks`."""

from __future__ import annotations

import pytest
from django.db import NotSupportedError, connection
from django.db.migrations.recorder import MigrationRecorder

from dashboard.server import startup_checks

pytestmark = pytest.mark.django_db


def test_current_schema_is_accepted() -> None:
    startup_checks.reject_foreign_schema()


def test_empty_database_is_accepted() -> None:
    MigrationRecorder(connection).flush()
    startup_checks.reject_foreign_schema()


def test_unknown_migration_is_refused() -> None:
    MigrationRecorder(connection).record_applied("runs", "0021_revisions_but_the_usual")
    with pytest.raises(NotSupportedError, match=r"cannot be upgraded \(0021_revisions_but_the_usual\)"):
        startup_checks.reject_foreign_schema()


def test_missing_table_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE metadata_value")
    with pytest.raises(NotSupportedError, match=r"cannot be upgraded \(no table metadata_value\)"):
        startup_checks.reject_foreign_schema()


def test_pending_migration_is_accepted() -> None:
    MigrationRecorder(connection).record_unapplied("runs", "0002_postgres_storage")
    startup_checks.reject_foreign_schema()
