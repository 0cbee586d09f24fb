"""Tests of what a backup contains, and of the file that it is written to."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone

from dashboard.server.backup import postgres_tools
from dashboard.server.backup.connections import export_snapshot, fetch_value, open_database_session
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.output_files import open_output_file, remove_partial_files
from dashboard.server.backup.postgres_tools import find_postgres_tool
from dashboard.server.backup.recording import make_backup_file
from dashboard.server.backup.verification import verify_backup
from runs.models import BackupRecord
from tests.dashboard.server.backup.conftest import RUNS, ignore_progress
from tests.dashboard.server.backup.databases import database_url, use_database


def test_manifest_counts_and_leaves_sessions_out(backup: Path) -> None:
    manifest = verify_backup(backup, ignore_progress)

    assert manifest.tables["run"].rows == RUNS
    assert manifest.migrations["runs"][0] == "0001_initial"
    assert "django_session" not in manifest.tables
    assert abs(timezone.now() - manifest.created_at) < timedelta(minutes=10)


def test_file_is_private_and_recorded(backup: Path, source: str, django_db_blocker) -> None:
    with django_db_blocker.unblock(), use_database(source):
        record = BackupRecord.objects.last_success("command")

    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert record is not None
    assert (record.location, record.size) == (str(backup), backup.stat().st_size)


def test_failure_is_recorded_and_leaves_no_file(source: str, tmp_path: Path, django_db_blocker) -> None:
    with django_db_blocker.unblock(), use_database(source):
        with pytest.raises(FileNotFoundError):
            make_backup_file(tmp_path / "gone" / "1.tar", "schedule", ignore_progress)
        record = BackupRecord.objects.last_attempt("schedule")

    assert record is not None
    assert "No such file" in record.error
    assert list(tmp_path.iterdir()) == []


def test_snapshot_ignores_later_writes(source: str, django_db_blocker) -> None:
    with django_db_blocker.unblock(), use_database(source), open_database_session() as session:
        with export_snapshot(session):
            before = fetch_value(session, "SELECT count(*) FROM stopped_validation")
            with psycopg.connect(database_url(source), autocommit=True) as writer:
                writer.execute(
                    "INSERT INTO stopped_validation (digest, schema_digest, reason)"
                    " VALUES (gen_random_uuid(), gen_random_uuid(), '')"
                )
            assert fetch_value(session, "SELECT count(*) FROM stopped_validation") == before
        assert fetch_value(session, "SELECT count(*) FROM stopped_validation") == before + 1


def test_session_has_no_time_limit(source: str, django_db_blocker) -> None:
    with psycopg.connect(database_url(source), autocommit=True) as owner:
        owner.execute("ALTER ROLE CURRENT_USER SET statement_timeout = '1s'")
        try:
            with django_db_blocker.unblock(), use_database(source), open_database_session() as session:
                assert fetch_value(session, "SHOW statement_timeout") == "0"
        finally:
            owner.execute("ALTER ROLE CURRENT_USER RESET statement_timeout")


def test_empty_database_is_refused(empty_database: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing to back up"):
        make_backup_file(tmp_path / "1.tar", "command", ignore_progress)


def test_newer_server_needs_newer_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_tools.shutil, "which", lambda _: None)
    with pytest.raises(BackupError, match=r"needs pg_dump of Postgres 99 or newer, but Runglass brings version 18"):
        find_postgres_tool("pg_dump", 99)


def test_newer_installed_client_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1 (Debian)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert find_postgres_tool("pg_dump", 99).path == program


def test_output_file_appears_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "1.tar"
    (tmp_path / "1.tar.partial").write_bytes(b"left behind by a killed process")
    with open_output_file(path) as file:
        file.write(b"content")
        assert not path.exists()
        with pytest.raises(BackupError, match="Another process is writing"), open_output_file(path):
            pass
        remove_partial_files(tmp_path, "*.tar")
        assert (tmp_path / "1.tar.partial").exists()
    assert path.read_bytes() == b"content"

    with pytest.raises(BackupError, match="exists already"), open_output_file(path):
        pass
    (tmp_path / "2.tar.partial").touch()
    remove_partial_files(tmp_path, "*.tar")
    assert list(tmp_path.iterdir()) == [path]
