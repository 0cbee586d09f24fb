"""The state of backups, for the status page, the metrics and the warning on pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from runs.models import BackupRecord

# Of the interval. A backup takes time itself, and one that failed is tried again.
_TOLERATED_INTERVALS = 2


@dataclass(frozen=True)
class BackupStatus:
    """Holds what is known about the backups of this instance.

    Attributes:
        last_success: the backup that succeeded last; None if there was none.
        last_attempt: the backup that ended last, whether it succeeded or not.
        interval: the time in which a backup is expected; None if none is.
    """

    last_success: BackupRecord | None
    last_attempt: BackupRecord | None
    interval: timedelta | None

    @property
    def age(self) -> timedelta | None:
        """The age of what the last successful backup contains; None without a backup."""
        return timezone.now() - self.last_success.started_at if self.last_success else None

    @property
    def warning(self) -> str:
        """A sentence for administrators; empty if backups are as recent as expected, or none is expected."""
        if self.interval is None:
            return ""
        if self.last_attempt is not None and self.last_attempt.error:
            return f"The last backup failed: {self.last_attempt.error}"
        if self.age is not None and self.age > _TOLERATED_INTERVALS * self.interval:
            age, interval = _format_duration(self.age), _format_duration(self.interval)
            return f"The last backup is {age} old, but one is expected every {interval}"
        return ""


def fetch_backup_status() -> BackupStatus:
    """Return the state of backups. Two queries."""
    records = BackupRecord.objects.all()
    return BackupStatus(records.last_success(), records.last_attempt(), settings.BACKUP_EVERY)


def _format_duration(duration: timedelta) -> str:
    hours = duration.total_seconds() / 3600
    if hours < 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
