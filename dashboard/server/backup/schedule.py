"""Scheduled backups: a thread of the maintenance process makes one whenever it is due."""

from __future__ import annotations

import logging
import re
import threading
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.output_files import remove_partial_files
from dashboard.server.backup.recording import build_backup_name, make_backup_file
from runs.models import BackupRecord

logger = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
RETRY_INTERVAL = timedelta(minutes=15)  # after a failure
_LOCK_ID = 0x6261636B_75707321  # "backups!"; one site of several on a database makes the backup
_FILE_NAME = re.compile(r"[a-z-]+-\d{8}-\d{6}\.tar")


def start_backup_schedule() -> None:
    """Make backups as the settings say, in a thread that never ends. Does nothing if they name no directory."""
    if settings.BACKUP_DIR is not None:
        arguments = (settings.BACKUP_DIR, settings.BACKUP_EVERY, settings.BACKUP_KEEP)
        threading.Thread(target=_run_schedule, args=arguments, name="backups", daemon=True).start()


def _run_schedule(directory: Path, interval: timedelta, keep: int) -> None:
    while True:
        try:
            make_due_backup(directory, interval, keep)
        except (BackupError, OSError, DatabaseError) as error:
            reason = " ".join(str(error).split())
            logger.error("The scheduled backup failed: %s", reason, extra={"action": "backup_failed"})
        connection.close()
        time.sleep(CHECK_SECONDS)


def make_due_backup(directory: Path, interval: timedelta, keep: int) -> None:
    """Make a backup in `directory` if one is due and no other site makes it, and keep only the newest `keep`.

    Raises BackupError, OSError and Django's DatabaseError. Failures are recorded.
    """
    if not is_backup_due(interval):
        return
    path = directory / build_backup_name()
    if make_backup_file(path, BackupRecord.Trigger.SCHEDULE, lambda *_: None, lock_id=_LOCK_ID):
        logger.info("Wrote the backup %s", path, extra={"action": "backup"})
    remove_old_backups(directory, "runglass", keep)


def is_backup_due(interval: timedelta) -> bool:
    """Return whether the last scheduled backup is older than `interval`, or failed some time ago."""
    last = BackupRecord.objects.last_attempt(BackupRecord.Trigger.SCHEDULE)
    if last is None:
        return True
    if last.error:
        return timezone.now() - last.finished_at >= min(RETRY_INTERVAL, interval)
    return timezone.now() - last.started_at >= interval


def remove_old_backups(directory: Path, prefix: str, keep: int) -> None:
    """Remove all but the newest `keep` backups of `prefix` in `directory`, and what killed processes have left."""
    remove_partial_files(directory, f"{prefix}-*.tar")
    names = sorted(path.name for path in directory.glob(f"{prefix}-*.tar") if _FILE_NAME.fullmatch(path.name))
    for name in names[:-keep]:
        (directory / name).unlink()
