"""Who changed what a project consists of: keys, members, prices, what was deleted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from runs.models.account import Project, User
from runs.querysets.audit import AuditEventQuerySet


class AuditEvent(models.Model):
    """One change that an administrator made. Rows are never changed; the name outlives the user."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit_events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_name = models.CharField(max_length=150)
    action = models.CharField(max_length=200, help_text="What was done, as a sentence goes on after the name")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        db_table = "audit_event"
        # the newest of a project
        indexes: ClassVar = [models.Index(fields=["project", "-at"], name="audit_event_newest")]

    def __str__(self) -> str:
        return f"{self.user_name} {self.action}"
