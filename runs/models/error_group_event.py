"""The activity of error groups: what was decided, by whom and when."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from runs.models.error_group import ErrorGroup
from runs.models.user import User

MAX_EVENTS_SHOWN = 50


class ErrorGroupEventQuerySet(models.QuerySet["ErrorGroupEvent"]):
    """Queries on the activity of error groups."""

    def newest(self, group: ErrorGroup) -> Self:
        """Return up to `MAX_EVENTS_SHOWN` decisions on `group`, the newest first."""
        return self.filter(group=group).order_by("-at", "-id")[:MAX_EVENTS_SHOWN]


class ErrorGroupEvent(models.Model):
    """A decision on an error group. Events are never changed, and keep the name of a deleted user.

    Regressions are not stored: they follow from the runs, some of which arrive late.
    """

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(
        ErrorGroup, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    at = models.DateTimeField()
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    user_name = models.TextField(help_text="Of the user or of the API key")
    action = models.TextField(help_text="Completes a sentence that begins with the user name")
    state = models.CharField(max_length=10, blank=True, db_default="", help_text="The state that was set, if any")

    objects = ErrorGroupEventQuerySet.as_manager()

    class Meta:
        db_table = "error_group_event"
        indexes: ClassVar = [
            # newest events of a group
            models.Index(fields=["group", "-at"], name="error_group_event_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} {self.action}"
