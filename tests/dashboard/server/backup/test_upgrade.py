"""Tests of upgrading the data of older versions: what was posted comes back byte for byte."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from dashboard.server.startup_checks import apply_migrations
from runs.models import Run, RunStep, SchemaRelease
from tests.dashboard.server.backup.databases import database_url, use_database
from tests.dashboard.server.test_up import Up, wait_until

COLUMNS = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
    WHERE table_schema = 'public' AND is_generated = 'NEVER'
        AND table_name NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    GROUP BY table_name"""


def fill_older_database(name: str, source: str, migration: str) -> None:
    """Create the tables of an older version, and copy what it would contain from a current database."""
    call_command("migrate", verbosity=0, interactive=False, app_label="contenttypes")
    call_command("migrate", "runs", migration, verbosity=0)
    call_command("migrate", "sessions", verbosity=0)
    with psycopg.connect(database_url(source)) as current, psycopg.connect(database_url(name)) as older:
        current.execute("SET TRANSACTION READ ONLY")
        for table, columns in older.execute(COLUMNS).fetchall():
            names = {"table": sql.Identifier(table), "columns": sql.SQL(", ").join(map(sql.Identifier, columns))}
            read = sql.SQL("COPY (SELECT {columns} FROM {table}) TO STDOUT").format(**names)
            write = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(**names)
            with current.cursor().copy(read) as rows, older.cursor().copy(write) as target:
                for row in rows:
                    target.write(row)


def read_objects() -> dict[str, str]:
    """Return every run and step as it is read back."""
    runs = Run.objects.with_configuration()
    return {run.external_id: run.as_json() for run in runs} | dict(_read_steps())


def _read_steps() -> Iterator[tuple[str, str]]:
    return ((step.external_id, step.as_json()) for step in RunStep.objects.all())


@pytest.mark.parametrize("migration", ["0002_postgres_storage", "0005_step_and_message_history"])
def test_objects_of_older_data_stay_equal(source: str, empty_database: str, migration: str) -> None:
    with use_database(source):
        original = read_objects()
    fill_older_database(empty_database, source, migration)

    apply_migrations(0, lambda *_: None)

    assert read_objects() == original
    assert len(original) > 10
    assert SchemaRelease.objects.exists()


def test_up_backs_up_and_upgrades(source: str, empty_database: str, tmp_path_factory) -> None:
    fill_older_database(empty_database, source, "0002_postgres_storage")
    connection.close()
    data_dir = tmp_path_factory.mktemp("upgrade") / "var"
    scheduled = data_dir.with_name("scheduled")
    scheduled.mkdir()
    scheduled.chmod(0o777)  # whoever runs the tests, `up` may run as another user

    up = Up(data_dir, DATABASE_URL=database_url(empty_database), RUNGLASS_BACKUP_DIR=str(scheduled))
    try:
        (backup,) = (data_dir / "backups").iterdir()
        assert re.fullmatch(r"before-upgrade-\d{8}-\d{6}\.tar", backup.name)
        assert up.get("/readyz")[0].status == 200
        wait_until(lambda: [path.suffix for path in scheduled.iterdir()] == [".tar"], 60)
    finally:
        up.stop(signal.SIGINT)
