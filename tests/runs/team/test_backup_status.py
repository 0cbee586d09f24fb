"""Tests of what is known about backups, and of the warning for administrators."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from runs.models import BackupRecord, Membership
from runs.models.backup_record import MAX_BACKUP_RECORDS
from runs.team.backup_status import fetch_backup_status
from tests import factories

pytestmark = pytest.mark.django_db


def record(hours: float, error: str = "", trigger: str = "schedule") -> None:
    BackupRecord.objects.record(
        trigger, timezone.now() - timedelta(hours=hours), location="/b/1.tar", size=10, error=error
    )


@pytest.mark.parametrize(
    ("hours", "error", "every", "warning"),
    [
        (1, "", 24, ""),
        (47, "", 24, ""),
        (49, "", 24, "The last backup is 2 days old, but one is expected every 24 hours"),
        (1, "The disk is full", 24, "The last backup failed: The disk is full"),
        (49, "The disk is full", None, ""),
    ],
)
def test_warning_names_age_or_failure(settings, hours, error, every, warning) -> None:
    settings.BACKUP_EVERY = timedelta(hours=every) if every else None
    record(hours, error)

    assert fetch_backup_status().warning == warning


def test_failure_keeps_age_of_last_success(settings) -> None:
    settings.BACKUP_EVERY = timedelta(hours=24)
    record(30)
    record(1, "The disk is full")

    status = fetch_backup_status()
    assert status.age is not None
    assert round(status.age / timedelta(hours=1)) == 30
    assert status.last_attempt is not None
    assert status.last_attempt.error == "The disk is full"


def test_no_backup_is_no_age() -> None:
    assert fetch_backup_status().age is None


def test_old_records_are_deleted() -> None:
    BackupRecord.objects.bulk_create(
        BackupRecord(trigger="command", started_at=timezone.now(), finished_at=timezone.now())
        for _ in range(MAX_BACKUP_RECORDS)
    )
    record(1)

    assert BackupRecord.objects.count() == MAX_BACKUP_RECORDS


def test_settings_page_shows_the_warning(settings, client, project) -> None:
    settings.BACKUP_EVERY = timedelta(hours=24)
    record(1, "The disk is full")
    client.force_login(factories.make_user(project, role=Membership.Role.ADMIN))

    response = client.get(reverse("settings", kwargs={"project": project.slug}))
    assert "The last backup failed: The disk is full" in response.content.decode()
