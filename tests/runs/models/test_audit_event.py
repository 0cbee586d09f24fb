"""Audit events: what is recorded, in the table and in the log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from runs.models import AuditEvent, Project
from runs.models.audit_event import FAILURE_RETENTION
from tests import factories

Category = AuditEvent.Category


def test_event_is_logged_with_its_category(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    user = factories.make_user(project, name="ada")
    with caplog.at_level(logging.INFO, "runs"):
        AuditEvent.objects.record(project, user, "deleted r1", category=Category.DELETION, address="192.0.2.7")
    (line,) = caplog.records
    assert line.getMessage() == "ada deleted r1 in default from 192.0.2.7"
    assert line.__dict__["action"] == "audit_deletion"
    event = AuditEvent.objects.get()
    assert (event.user, event.address, event.project) == (user, "192.0.2.7", project)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada\nINFO root signed in", "ada�INFO root signed in"),
        ("a\x00b\x1b[31m\u202e", "a�b�[31m�"),
        ("x" * 5000, "x" * 149 + "…"),
    ],
)
def test_typed_names_are_cleaned(db: None, typed: str, stored: str) -> None:
    AuditEvent.objects.record(None, typed, "failed to sign in", address="a" * 99)
    event = AuditEvent.objects.get()
    assert (event.user, event.user_name, len(event.address)) == (None, stored, 45)


def test_instance_and_projects_have_own_events(project: Project) -> None:
    AuditEvent.objects.record(project, "ada", "renamed the project")
    AuditEvent.objects.record(None, "ada", "signed in", category=Category.SIGN_IN)
    assert [event.action for event in AuditEvent.objects.newest(project)] == ["renamed the project"]
    assert [event.action for event in AuditEvent.objects.newest(None)] == ["signed in"]


def test_only_old_failures_are_deleted(project: Project) -> None:
    for category in (Category.SIGN_IN_FAILURE, Category.DELETION):
        AuditEvent.objects.record(None, "ada", "did it", category=category)
    AuditEvent.objects.update(at=timezone.now() - FAILURE_RETENTION - timedelta(days=1))
    AuditEvent.objects.record(None, "ada", "did it", category=Category.KEY_FAILURE)
    AuditEvent.objects.delete_old_failures()
    assert sorted(AuditEvent.objects.values_list("category", flat=True)) == ["deletion", "key_failure"]
