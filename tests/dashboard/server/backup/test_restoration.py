"""Tests of restoring: everything or nothing, into an empty database only."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import NotSupportedError, connection

from dashboard.server.backup import restoration
from dashboard.server.backup.archive import BackupReader, BackupWriter
from dashboard.server.backup.connections import open_database_session
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.manifest import TableSum, parse_manifest
from dashboard.server.backup.recording import make_backup_file
from dashboard.server.backup.site_restoration import reject_newer_backup, restore_site
from dashboard.server.backup.table_sums import compute_table_sums, list_tables
from runs.db.migration_state import RESTORE_MARKER_TABLE, reject_unusable_database
from runs.models import AuditEvent, Run
from tests.dashboard.server.backup.conftest import RUNS, ignore_progress
from tests.dashboard.server.backup.databases import use_database


def no_migration() -> None:
    """Do nothing: the backup is not older."""


def rewrite(content: bytes, **changes: object) -> bytes:
    """Return a valid backup whose manifest differs."""
    reader = BackupReader(io.BytesIO(content))
    manifest = msgspec.structs.replace(parse_manifest(reader.manifest_json), **changes)
    stream = io.BytesIO()
    writer = BackupWriter(stream)
    writer.add_member("manifest.json", manifest.to_json())
    for piece in reader.iterate_dump():
        writer.add_dump_piece(piece)
    writer.finish()
    return stream.getvalue()


def test_restored_tables_are_equal(source: str, backup: Path, empty_database: str) -> None:
    restore_site(backup, ignore_progress, no_migration)

    with open_database_session() as session:
        restored = compute_table_sums(session, list_tables(session), ignore_progress)
    with use_database(source), open_database_session() as session:
        original = compute_table_sums(session, list_tables(session), ignore_progress)
    differing = {name for name in original if original[name] != restored.get(name)}
    # Sessions end, the restore is in the audit log, and a backup does not contain its own record.
    assert differing <= {"django_session", "audit_event", "backup_record", "stopped_validation"}
    assert original.keys() == restored.keys()
    assert not Session.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="restored the backup").exists()
    reject_unusable_database()


def test_database_with_content_is_refused(backup: Path, empty_database: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine (n integer)")

    with pytest.raises(BackupError, match="is not empty, it contains mine"):
        restore_site(backup, ignore_progress, no_migration)
    assert connection.introspection.table_names() == ["mine"]


def test_differing_content_is_found(damage: Callable[..., Path], empty_database: str) -> None:
    def change_sum(content: bytes) -> bytes:
        tables = parse_manifest(BackupReader(io.BytesIO(content)).manifest_json).tables
        return rewrite(content, tables={**tables, "run": TableSum(tables["run"].rows, "1")})

    with pytest.raises(BackupError, match=r"The restored table run differs from the backup: 6 rows, expected 6; sum"):
        restore_site(damage(change_sum), ignore_progress, no_migration)
    with pytest.raises(NotSupportedError, match="restore of this database is not complete"):
        reject_unusable_database()


def test_interrupted_restore_begins_again(backup: Path, empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoration, "_compare_tables", interrupt)
        with pytest.raises(KeyboardInterrupt):
            restore_site(backup, ignore_progress, no_migration)
    assert RESTORE_MARKER_TABLE in connection.introspection.table_names()

    restore_site(backup, ignore_progress, no_migration)
    assert RESTORE_MARKER_TABLE not in connection.introspection.table_names()
    assert Run.objects.count() == RUNS


def test_unreadable_dump_leaves_nothing(damage: Callable[..., Path], empty_database: str) -> None:
    def cut_dump(content: bytes) -> bytes:
        reader, stream = BackupReader(io.BytesIO(content)), io.BytesIO()
        writer = BackupWriter(stream)
        writer.add_member("manifest.json", reader.manifest_json)
        dump = b"".join(reader.iterate_dump())
        writer.add_dump_piece(dump[: len(dump) // 2])
        writer.finish()
        return stream.getvalue()

    with pytest.raises(BackupError, match="pg_restore failed"):
        restore_site(damage(cut_dump), ignore_progress, no_migration)
    assert connection.introspection.table_names() == [RESTORE_MARKER_TABLE]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"postgres_version": 990001}, "from Postgres 99, but this server runs Postgres 18"),
        ({"schema": "other"}, "in the schema other, but new tables of this database come into public"),
    ],
)
def test_unfit_server_is_refused(damage: Callable[..., Path], empty_database: str, changes, reason) -> None:
    with pytest.raises(BackupError, match=reason):
        restore_site(damage(lambda content: rewrite(content, **changes)), ignore_progress, no_migration)


def test_backup_of_newer_version_is_refused(backup: Path) -> None:
    manifest = parse_manifest(BackupReader(io.BytesIO(backup.read_bytes())).manifest_json)
    newer = msgspec.structs.replace(
        manifest, runglass_version="9.0.0", migrations={**manifest.migrations, "runs": ["0001_initial", "0999_new"]}
    )

    with pytest.raises(BackupError, match=re.escape("0999_new, which this version, 0.1.0, does not have: restore it "
                                                    "with Runglass 9.0.0 or newer")):  # fmt: skip
        reject_newer_backup(newer)
    reject_newer_backup(manifest)


def test_secret_key_replaces_a_stored_one(backup: Path, empty_database: str, settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "secret_key").write_text("new key")

    assert restore_site(backup, ignore_progress, no_migration)
    assert (tmp_path / "secret_key").read_text() == "key of the source"


def test_backup_without_key_has_no_key(source: str, backup: Path, django_db_blocker, tmp_path: Path) -> None:
    with tarfile.open(backup) as archive:
        assert "secret_key" in archive.getnames()
    with django_db_blocker.unblock(), use_database(source):
        make_backup_file(tmp_path / "1.tar", "command", ignore_progress)
    with tarfile.open(tmp_path / "1.tar") as archive:
        assert "secret_key" not in archive.getnames()


def test_lost_server_connection_is_an_error(backup: Path, empty_database: str) -> None:
    def lose_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(Exception, match=r"terminating connection|closed") as raised:
        restore_site(backup, ignore_progress, lose_connection)
    assert isinstance(raised.value.__cause__ or raised.value, psycopg.Error)
