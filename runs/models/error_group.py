"""Runs that ended badly in the same way, and what the team decided about them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from runs.models.account import Project, User
from runs.querysets.error_group import ErrorGroupQuerySet


class ErrorGroup(models.Model):
    """One way in which runs fail, end incomplete or expire: its code, and its message as a template.

    The id is a hash of the project, the algorithm's version and the signature (see `runs.enrichment.error_grouping`),
    so that ingest can name it without asking. Ingest creates rows and never changes them; people change the state.
    """

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"  # open again where a run of the group is created later
        IGNORED = "ignored"

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    version = models.SmallIntegerField(help_text="Of the algorithm that made the template")
    status = models.TextField()
    code = models.TextField(null=True)  # noqa: DJ001 - a run can fail without saying why
    template = models.TextField(help_text="The message with what differs between runs replaced")
    sample = models.TextField(help_text="The message that was met first")
    first_seen_at = models.DateTimeField(help_text="When its first run was received")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    state_changed_at = models.DateTimeField(null=True, blank=True)
    state_changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = ErrorGroupQuerySet.as_manager()

    class Meta:
        db_table = "error_group"
        indexes: ClassVar = [
            # a project's groups, by what was decided about them
            models.Index("project", "state", name="error_group_state"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "resolved", "ignored"]), name="error_group_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.template}"
