"""The history of runs: posts that changed a run, or came too late to change it."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from runs.models.api_key import ApiKey
from runs.models.run import Run


class ObservationQuerySet(models.QuerySet["Observation"]):
    """Queries on observations."""

    def of_run(self, run: Run) -> Self:
        """Return the history of `run`, oldest first, without its first post (see `runs.models.run_history`)."""
        return self.filter(run_id=run.pk).order_by("n")

    def for_list(self) -> Self:
        """Defer the replaced values."""
        return self.defer("other", "digest")


class Observation(models.Model):
    """An entry of a run's history: a post that changed the run, or one that came too late to change it.

    The first post has no row: `Run.received_at` and `Run.received_key` describe it. Each later row stores what it
    replaced, so every earlier version can be rebuilt backwards from the newest one.
    """

    class Outcome(models.TextChoices):
        """The effect of a post on a run."""

        UPDATED = "updated"
        STALE = "stale"

    pk = models.CompositePrimaryKey("run", "n")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="observations", db_index=False
    )
    n = models.IntegerField(help_text="Position in the run's history, from 1")
    outcome = models.TextField(choices=Outcome.choices)
    received_at = models.DateTimeField()
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    status_before = models.TextField()
    status_after = models.TextField(help_text="Of a stale post: the status in the post")
    changed = ArrayField(models.TextField(), help_text="Top-level fields that differ")
    other = models.TextField(
        help_text="JSON object of the changed fields: their values before an update, or in a stale post. "
        "Fields that were absent are left out"
    )
    conflict = models.BooleanField(default=False, help_text="Two terminal statuses contradict each other")
    digest = models.BigIntegerField(help_text="Hash of the posted object, so that a stale post is recorded once")

    objects = ObservationQuerySet.as_manager()

    class Meta:
        db_table = "observation"

    def __str__(self) -> str:
        return f"{self.run_id} {self.n}"
