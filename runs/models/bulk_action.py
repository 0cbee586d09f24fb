"""Changes of all runs that match a query, which are made in many small steps."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from runs.models.project import Project
from runs.models.user import User


class BulkActionQuerySet(models.QuerySet["BulkAction"]):
    """Queries on bulk actions."""

    def unfinished(self, project: Project) -> Self:
        """Return the action of `project` that has not ended; there is at most one."""
        return self.filter(project=project, ended_at=None)

    def with_user(self) -> Self:
        """Fetch with each action the user who asked for it."""
        return self.select_related("user")

    def lock_unlocked(self) -> Self:
        """Lock the rows, without those that another transaction works on."""
        return self.select_for_update(of=("self",), skip_locked=True)


class BulkAction(models.Model):
    """A change of all runs that matched a query when it was asked for, and how far it has come.

    Each step changes some runs and moves `cursor` behind them, in one transaction. A process that ends in the middle
    loses nothing, and any other goes on.
    """

    class Kind(models.TextChoices):
        """The change that is made to the runs."""

        ADD_TAGS = "add_tags", "Add tags"
        REMOVE_TAGS = "remove_tags", "Remove tags"
        MARK_REVIEWED = "mark_reviewed", "Mark as reviewed"
        UNMARK_REVIEWED = "unmark_reviewed", "Mark as not reviewed"
        DELETE = "delete", "Delete"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_name = models.TextField(help_text="Of the user when they asked for it")
    address = models.TextField(blank=True, db_default="", default="", help_text="Of the user's browser")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    tags = ArrayField(models.TextField(), default=list, help_text="To add or to remove")
    query = models.TextField(blank=True, help_text="Query text; empty for all runs")
    total = models.IntegerField(help_text="Runs to change, at most the limit of an action")
    processed = models.IntegerField(db_default=0, default=0, help_text="Runs that were looked at")
    changed = models.IntegerField(db_default=0, default=0, help_text="Runs that were changed")
    cursor = models.TextField(blank=True, db_default="", default="", help_text="The last run that was looked at")
    problem = models.TextField(blank=True, db_default="", default="", help_text="Why it ended early")
    created_at = models.DateTimeField(help_text="Relative times refer to it, and later runs are left out")
    ended_at = models.DateTimeField(null=True)

    objects = BulkActionQuerySet.as_manager()

    class Meta:
        db_table = "bulk_action"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project"], name="bulk_action_one_at_a_time", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.describe()

    def describe(self) -> str:
        """Return what is done, to complete "…: 120 of 1,234 runs"."""
        return f"{self.get_kind_display()} {', '.join(self.tags)}".strip()
