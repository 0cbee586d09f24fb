"""How long the runs of a project are kept."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now

from runs.models.project import Project


class RetentionPolicyQuerySet(models.QuerySet["RetentionPolicy"]):
    """Queries on retention policies."""

    def in_project(self, project: Project) -> Self:
        """Return the policies of a project; there is at most one for each kind of runs."""
        return self.filter(project=project)

    def due(self, now: datetime) -> Self:
        """Return the policies that have limits and whose next round may begin, or go on."""
        has_limit = models.Q(max_age_days__isnull=False) | models.Q(max_runs__isnull=False)
        return self.filter(has_limit, next_round_at__lte=now).order_by("pk")

    def lock_unlocked(self) -> Self:
        """Lock the rows, without those that another transaction works on."""
        return self.select_for_update(of=("self",), skip_locked=True)


class RetentionPolicy(models.Model):
    """The limits of one kind of runs, and the round of deletions that applies them.

    A round deletes the runs that were too many or too old when it began, those before `round_cutoff`. Each batch moves
    `round_cursor` behind its runs, in the transaction that deletes them: a process that ends in the middle loses
    nothing, and any other goes on.
    """

    class Kind(models.TextChoices):
        """The kinds of runs, by their status."""

        UNSUCCESSFUL = "unsuccessful", "Failed, incomplete and expired runs"
        OTHER = "other", "All other runs"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    max_age_days = models.IntegerField(null=True, help_text="Runs that were created earlier are deleted; null: none")
    max_runs = models.IntegerField(null=True, help_text="So many of the newest runs are kept; null: all")
    next_round_at = models.DateTimeField(db_default=Now(), help_text="When a round begins, at the earliest")
    round_cutoff = models.DateTimeField(null=True, help_text="The running round deletes earlier runs; null: no round")
    round_cursor = models.TextField(blank=True, db_default="", default="", help_text="The last run it deleted")
    round_deleted = models.IntegerField(db_default=0, default=0, help_text="Runs it has deleted")
    last_round_at = models.DateTimeField(null=True, help_text="When the last complete round ended")
    last_deleted = models.IntegerField(db_default=0, default=0, help_text="Runs that round deleted")

    objects = RetentionPolicyQuerySet.as_manager()

    class Meta:
        db_table = "retention_policy"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind"], name="retention_policy_one_of_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.describe_limits()}"

    def describe_limits(self) -> str:
        """Return the limits in words: `at most 90 days, at most 1,000 runs`."""
        limits = []
        if self.max_age_days is not None:
            limits.append(f"at most {self.max_age_days:,} {'day' if self.max_age_days == 1 else 'days'}")
        if self.max_runs is not None:
            limits.append(f"at most {self.max_runs:,} {'run' if self.max_runs == 1 else 'runs'}")
        return ", ".join(limits) or "no limit"
