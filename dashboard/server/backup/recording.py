"""Make a backup of the site's database in a file, or in a stream, and record how it ended."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from django.db import DatabaseError, connection
from django.utils import timezone

from dashboard.server.backup.connections import fetch_value, open_database_session
from dashboard.server.backup.creation import create_backup
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.output_files import open_output_file
from dashboard.server.backup.table_sums import ReportProgress
from runs.models import BackupRecord

logger = logging.getLogger(__name__)

BACKUP_SUFFIX = ".tar"


def build_backup_name(prefix: str = "runglass") -> str:
    """Return a name by which backups of the same prefix sort by their time."""
    return f"{prefix}-{timezone.now():%Y%m%d-%H%M%S}{BACKUP_SUFFIX}"


def make_backup_file(
    path: Path, trigger: str, report_progress: ReportProgress, secret_key: str = "", lock_id: int | None = None
) -> bool:
    """Write a backup to `path`. Return false, and write nothing, if another process holds the lock `lock_id`.

    `trigger` is one of `BackupRecord.Trigger`. Raises BackupError, OSError and Django's DatabaseError.
    """
    with _record_outcome(trigger, str(path)) as outcome, open_database_session() as session:
        if lock_id is not None and not fetch_value(session, f"SELECT pg_try_advisory_lock({lock_id})"):
            return False
        with open_output_file(path) as file:
            outcome.size = create_backup(session, file, report_progress, secret_key)
    return True


def make_backup_stream(stream: IO[bytes], trigger: str, report_progress: ReportProgress, secret_key: str = "") -> None:
    """Write a backup to `stream`. Raises the same as `make_backup_file`."""
    with _record_outcome(trigger, "-") as outcome, open_database_session() as session:
        outcome.size = create_backup(session, stream, report_progress, secret_key)
        stream.flush()


@dataclass
class _Outcome:
    size: int = 0


@contextmanager
def _record_outcome(trigger: str, location: str) -> Generator[_Outcome]:
    """Record the backup that the block makes, if it makes one, or its failure, which is raised again."""
    started_at, outcome = timezone.now(), _Outcome()
    try:
        yield outcome
    except (BackupError, OSError, DatabaseError) as error:
        reason = f"{error.strerror}: {location}" if isinstance(error, OSError) else str(error)
        _record(trigger, started_at, location, error=" ".join(reason.split()))
        raise
    if outcome.size:
        _record(trigger, started_at, location, size=outcome.size)


def _record(trigger: str, started_at: datetime, location: str, size: int = 0, error: str = "") -> None:
    """Record a backup. One that can't be recorded, as on a standby or before a migration, is still a backup."""
    try:
        BackupRecord.objects.record(trigger, started_at, location=location, size=size, error=error)
    except DatabaseError as failure:
        connection.close()
        logger.info("The backup is not recorded: %s", " ".join(str(failure).split()), extra={"action": "no_record"})
