"""Tests of scheduled backups, and of the backup before an upgrade."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from dashboard.server.backup import schedule, upgrade_backup
from dashboard.server.backup.connections import open_database_session
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.schedule import make_due_backup, remove_old_backups
from dashboard.server.backup.upgrade_backup import make_upgrade_backup, needs_upgrade_backup
from dashboard.server.backup.verification import verify_backup
from runs.models import BackupRecord
from tests.dashboard.server.backup.conftest import ignore_progress
from tests.dashboard.server.backup.databases import use_database

DAY = timedelta(days=1)


@pytest.fixture
def source_in_use(source: str, django_db_blocker) -> None:
    """Let Django use the source, without records of scheduled backups."""
    with django_db_blocker.unblock(), use_database(source):
        BackupRecord.objects.filter(trigger="schedule").delete()
        yield


def test_due_backup_is_made_once(source_in_use: None, tmp_path: Path) -> None:
    make_due_backup(tmp_path, DAY, keep=2)
    make_due_backup(tmp_path, DAY, keep=2)

    (path,) = tmp_path.iterdir()
    assert verify_backup(path, ignore_progress).tables["run"].rows


@pytest.mark.parametrize(
    ("age", "error", "is_due"),
    [
        (timedelta(hours=23), "", False),
        (timedelta(hours=25), "", True),
        (timedelta(hours=23), "The disk is full", True),
    ],
)
def test_age_and_failure_decide(source_in_use: None, age, error, is_due, monkeypatch) -> None:
    BackupRecord.objects.record("schedule", timezone.now() - age, error=error)
    monkeypatch.setattr(schedule, "RETRY_INTERVAL", timedelta())

    assert schedule.is_backup_due(DAY) is is_due


def test_failure_is_not_tried_again_at_once(source_in_use: None, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_due_backup(tmp_path / "gone", DAY, keep=2)
    make_due_backup(tmp_path, DAY, keep=2)

    assert list(tmp_path.iterdir()) == []


def test_one_site_makes_the_backup(source_in_use: None, tmp_path: Path) -> None:
    with open_database_session() as other:
        other.execute(f"SELECT pg_advisory_lock({schedule._LOCK_ID})".encode())
        make_due_backup(tmp_path, DAY, keep=2)

    assert list(tmp_path.iterdir()) == []
    assert BackupRecord.objects.last_attempt("schedule") is None


def test_newest_backups_are_kept(tmp_path: Path) -> None:
    days = [f"runglass-202611{day:02}-000000.tar" for day in range(1, 6)]
    for name in (*days, "runglass-notes.tar", "other.tar", "runglass-20261101-000000.tar.partial"):
        (tmp_path / name).touch()

    remove_old_backups(tmp_path, "runglass", 2)
    assert {path.name for path in tmp_path.iterdir()} == {*days[-2:], "runglass-notes.tar", "other.tar"}


def test_new_database_needs_no_upgrade_backup(empty_database: str) -> None:
    assert not needs_upgrade_backup()


def test_lack_of_room_refuses_the_upgrade(source_in_use: None, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(upgrade_backup, "_RESERVED_BYTES", 2**60)
    with pytest.raises(
        BackupError, match=r"may need [\d,]+ MB in .*backups, where [\d,]+ MB are free: make room there"
    ):
        make_upgrade_backup(tmp_path, ignore_progress)


def test_older_data_is_backed_up_and_current_is_not(empty_database: str, tmp_path: Path) -> None:
    call_command("migrate", "runs", "0002", verbosity=0)

    assert needs_upgrade_backup()
    path = make_upgrade_backup(tmp_path, ignore_progress)
    assert verify_backup(path, ignore_progress).migrations["runs"][-1] == "0002_postgres_storage"
    assert connection.introspection.table_names()
    call_command("migrate", verbosity=0)
    assert not needs_upgrade_backup()
