"""Every filter on what administrators changed, as chainable methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    # ruff does not see the name that stands in quotes below
    from runs.models import AuditEvent, Project  # noqa: F401

MAX_AUDIT_EVENTS = 50


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def newest(self, project: Project) -> Self:
        """The last changes of a project."""
        return self.filter(project=project).order_by("-at", "-pk")[:MAX_AUDIT_EVENTS]

    def note(self, project: Project, user: Any, action: str) -> None:
        """Record that `user` did `action`, in words that follow the name."""
        self.create(project=project, user=user, user_name=user.get_username(), action=action[:200])
