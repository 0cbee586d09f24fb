"""Backups that were made, and those that failed."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils import timezone

MAX_BACKUP_RECORDS = 200
_MAX_ERROR_LENGTH = 1000


class BackupRecordQuerySet(models.QuerySet["BackupRecord"]):
    """Queries on records of backups."""

    def last_attempt(self, trigger: str = "") -> BackupRecord | None:
        """Return the backup that ended last, whether it succeeded or not. `trigger` leaves out all others."""
        records = self.filter(trigger=trigger) if trigger else self
        return records.order_by("-finished_at", "-id").first()

    def last_success(self, trigger: str = "") -> BackupRecord | None:
        """Return the backup that succeeded last. `trigger` leaves out all others."""
        return self.filter(error="").last_attempt(trigger)

    def record(
        self,
        trigger: str,
        started_at: datetime,
        *,
        location: str = "",
        size: int = 0,
        error: str = "",
    ) -> None:
        """Record a backup that has just ended: with the `size` of its file in bytes, or with an `error`.

        Old records are deleted.
        """
        self.create(
            trigger=trigger,
            started_at=started_at,
            finished_at=timezone.now(),
            location=location,
            size=size,
            error=error[:_MAX_ERROR_LENGTH],
        )
        self.exclude(pk__in=self.order_by("-id").values("pk")[:MAX_BACKUP_RECORDS]).delete()


class BackupRecord(models.Model):
    """A backup of the whole database. It is recorded when it ends, so that no backup contains its own record."""

    class Trigger(models.TextChoices):
        """The causes of backups."""

        SCHEDULE = "schedule", "Schedule"
        COMMAND = "command", "Command"
        UPGRADE = "upgrade", "Upgrade"

    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    started_at = models.DateTimeField(help_text="Before its snapshot: what was stored until then is part of it")
    finished_at = models.DateTimeField()
    location = models.TextField(db_default="", blank=True, help_text="Path of the file; `-` for standard output")
    size = models.BigIntegerField(db_default=0, help_text="Bytes")
    error = models.TextField(db_default="", blank=True, help_text="Empty if it succeeded")

    objects = BackupRecordQuerySet.as_manager()

    class Meta:
        db_table = "backup_record"
        indexes: ClassVar = [models.Index(fields=["-finished_at", "-id"], name="backup_record_newest")]

    def __str__(self) -> str:
        return f"{self.trigger} {self.location}: {self.error or 'succeeded'}"
