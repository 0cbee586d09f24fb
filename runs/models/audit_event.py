"""The audit log of projects: changes of keys, members and prices, and deletions."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.user import User

MAX_AUDIT_EVENTS = 50
_MAX_ACTION_LENGTH = 200


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Queries on audit events."""

    def newest(self, project: Project) -> Self:
        """Return the last `MAX_AUDIT_EVENTS` events of `project`, the newest first."""
        return self.filter(project=project).order_by("-at", "-pk")[:MAX_AUDIT_EVENTS]

    def record(self, project: Project, user: Any, action: str) -> None:
        """Record that `user` did `action`, which completes a sentence that begins with the user's name."""
        self.create(project=project, user=user, user_name=user.get_username(), action=action[:_MAX_ACTION_LENGTH])


class AuditEvent(models.Model):
    """One change made by an administrator. Events are never changed, and keep the name of a deleted user."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit_events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_name = models.CharField(max_length=150)
    action = models.CharField(max_length=200, help_text="Completes a sentence that begins with the user name")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        db_table = "audit_event"
        # newest events of a project
        indexes: ClassVar = [models.Index(fields=["project", "-at"], name="audit_event_newest")]

    def __str__(self) -> str:
        return f"{self.user_name} {self.action}"
