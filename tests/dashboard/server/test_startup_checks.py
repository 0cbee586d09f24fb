"""Tests of `dashboard.server.startup_checks`."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import NotSupportedError, connection
from django.db.migrations.recorder import MigrationRecorder

from dashboard.server import startup_checks
from runs.models import SchemaRelease

pytestmark = pytest.mark.django_db


def test_current_schema_is_accepted() -> None:
    startup_checks.reject_foreign_schema()


def test_empty_database_is_accepted() -> None:
    MigrationRecorder(connection).flush()
    startup_checks.reject_foreign_schema()


def test_newer_schema_names_the_needed_version() -> None:
    MigrationRecorder(connection).record_applied("runs", "0999_new")
    SchemaRelease.objects.create(version="9.1.0")
    with pytest.raises(NotSupportedError, match=r"needs Runglass 9\.1\.0 or newer, which has migrated it \(0999_new\)"):
        startup_checks.reject_foreign_schema()


def test_unknown_migration_without_version_is_refused() -> None:
    MigrationRecorder(connection).record_applied("runs", "0021_revisions_but_the_usual")
    SchemaRelease.objects.all().delete()
    with pytest.raises(NotSupportedError, match=r"needs the version of Runglass that used it last"):
        startup_checks.reject_foreign_schema()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda recorder: recorder.record_applied("runs", "0999_new"), "This database needs "),
        (lambda recorder: recorder.record_unapplied("runs", "0002_postgres_storage"), "run `up` once"),
        (lambda recorder: recorder.flush(), "run `up` once"),
    ],
)
def test_commands_refuse_other_schemas(change, reason) -> None:
    change(MigrationRecorder(connection))
    with pytest.raises(NotSupportedError, match=reason):
        call_command("create_project", "another")


def test_missing_table_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE metadata_value")
    with pytest.raises(NotSupportedError, match=r"cannot be upgraded \(no table metadata_value\)"):
        startup_checks.reject_foreign_schema()


def test_pending_migration_is_accepted() -> None:
    MigrationRecorder(connection).record_unapplied("runs", "0002_postgres_storage")
    startup_checks.reject_foreign_schema()
