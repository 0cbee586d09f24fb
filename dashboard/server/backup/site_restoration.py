"""Restore a backup as the data of this site: of the same or an older version, without the sessions of browsers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from dashboard.server.backup.archive import BackupReader
from dashboard.server.backup.connections import open_database_session
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.manifest import BackupManifest
from dashboard.server.backup.restoration import restore_database
from dashboard.server.backup.table_sums import ReportProgress
from dashboard.server.secret_key import replace_secret_key
from runs import __version__
from runs.models import AuditEvent


def reject_newer_backup(manifest: BackupManifest) -> None:
    """Raise BackupError if the backup has migrations that this version does not have."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    names = [(app, name) for app, names in manifest.migrations.items() for name in names if app in loader.migrated_apps]
    if unknown := [name for app, name in names if (app, name) not in loader.disk_migrations]:
        raise BackupError(
            f"It is a backup of Runglass {manifest.runglass_version} with the migration {unknown[-1]}, which this "
            f"version, {__version__}, does not have: restore it with Runglass {manifest.runglass_version} or newer"
        )


def restore_site(path: Path, report_progress: ReportProgress, migrate: Callable[[], None]) -> bool:
    """Restore the verified backup at `path`. `migrate` applies the migrations that an older backup lacks.

    Return whether a secret key in it has replaced that of the data directory. Raises BackupError, OSError and Django's
    DatabaseError.
    """
    has_replaced_key = False

    def complete(reader: BackupReader) -> None:
        nonlocal has_replaced_key
        migrate()
        has_replaced_key = bool(reader.secret_key) and replace_secret_key(settings.DATA_DIR, reader.secret_key)
        with transaction.atomic():
            Session.objects.all().delete()
            AuditEvent.objects.record(None, "Runglass", f"restored the backup {path.name}")

    with path.open("rb") as file, connection.wrap_database_errors, open_database_session() as session:
        restore_database(session, file, report_progress, complete)
    return has_replaced_key
