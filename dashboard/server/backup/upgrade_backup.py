"""The backup that `up` makes in the data directory before it migrates the data of an older version."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.recording import build_backup_name, make_backup_file
from dashboard.server.backup.schedule import remove_old_backups
from dashboard.server.backup.table_sums import ReportProgress
from dashboard.server.startup_checks import count_pending_migrations
from runs.models import BackupRecord

KEPT_BACKUPS = 3
_PREFIX = "before-upgrade"
_RESERVED_BYTES = 64 * 1024 * 1024
# Tables with what is stored beside them, without indexes: the dump contains the same, compressed better.
_DATA_SIZE = """
    SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""


def needs_upgrade_backup() -> bool:
    """Return whether the database contains data of an older version."""
    is_new = not MigrationRecorder(connection).applied_migrations()
    return not is_new and count_pending_migrations() > 0


def make_upgrade_backup(data_dir: Path, report_progress: ReportProgress) -> Path:
    """Write a backup to `data_dir`, of which the newest are kept, and return its path.

    Raises BackupError, also if the disk may lack room, OSError and Django's DatabaseError.
    """
    directory = data_dir / "backups"
    directory.mkdir(mode=0o700, exist_ok=True)
    remove_old_backups(directory, _PREFIX, KEPT_BACKUPS)
    _reject_full_disk(directory)
    path = directory / build_backup_name(_PREFIX)
    make_backup_file(path, BackupRecord.Trigger.UPGRADE, report_progress)
    remove_old_backups(directory, _PREFIX, KEPT_BACKUPS)
    return path


def _reject_full_disk(directory: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DATA_SIZE)
        needed = cursor.fetchone()[0] + _RESERVED_BYTES
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupError(
            f"The backup before the upgrade may need {needed // 1024**2:,} MB in {directory}, where "
            f"{free // 1024**2:,} MB are free: make room there"
        )
