"""The history of runs, steps and messages: posts that changed a record, or came too late to change it."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import RowNumber

from runs.models.api_key import ApiKey
from runs.models.message import Message
from runs.models.run import Run
from runs.models.run_step import RunStep


class ObservationQuerySet(models.QuerySet["PostedObservation"]):
    """Queries on the history of records of one type."""

    def for_list(self) -> Self:
        """Defer the replaced values, except those of posts that moved the start of a run (`with_moved_start`)."""
        return self.defer("other", "digest").with_moved_start()

    def with_moved_start(self) -> Self:
        """Annotate what a post replaced as `moved_start` if it changed `started_at`, else null."""
        has_moved = models.When(changed__contains=["started_at"], then=models.F("other"))
        return self.annotate(moved_start=models.Case(has_moved, output_field=models.TextField()))

    def first_of_steps(self, run: Run, step_ids: Collection[str], count: int) -> Self:
        """Return the first `count` posts of each of those steps of `run`, oldest first."""
        number = models.Window(RowNumber(), partition_by="step_external_id", order_by="n")
        posts = self.filter(run_id=run.pk, step_external_id__in=step_ids)
        return posts.annotate(number=number).filter(number__lte=count).order_by("step_external_id", "n")

    def newest_first(self) -> Self:
        """Order by position, the newest post first."""
        return self.order_by("-n")

    def needed_for_versions(self, *numbers: int) -> Self:
        """Return the posts from which `rebuild_version` rebuilds those versions, the newest first.

        These are their own posts, and for each field the first change after each: later ones don't matter. So they are
        no more than there are fields, however long the history is.
        """
        needed = models.Q(n__in=numbers)
        for n in numbers:
            changes = self.filter(n__gt=n, outcome=PostedObservation.Outcome.UPDATED).order_by()
            fields = changes.annotate(field=models.Func("changed", function="unnest")).values("field")
            needed |= models.Q(n__in=fields.annotate(first=models.Min("n")).values("first"))
        return self.filter(needed).newest_first()


class PostedObservation(models.Model):
    """An entry of a record's history: a post that changed the record, or one that came too late to change it.

    The first post has no row: `received_at` and `received_key` of the record describe it. Each later row stores what
    it replaced, so every earlier version can be rebuilt backwards from the newest one.
    """

    class Outcome(models.TextChoices):
        """The effect of a post on a record."""

        UPDATED = "updated"
        STALE = "stale"

    n = models.IntegerField(help_text="Position in the record's history, from 1")
    outcome = models.TextField(choices=Outcome.choices)
    received_at = models.DateTimeField()
    received_key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    status_before = models.TextField(help_text="Empty for a message without a status")
    status_after = models.TextField(help_text="Of a stale post: the status in the post")
    changed = ArrayField(models.TextField(), help_text="Top-level fields that differ")
    other = models.TextField(
        help_text="JSON object of the changed fields: their values before an update, or in a stale post. "
        "Fields that were absent are left out"
    )
    conflict = models.BooleanField(
        default=False, help_text="Two snapshots of the same standing, or two terminal statuses, contradict each other"
    )
    digest = models.BigIntegerField(help_text="Hash of the posted object, so that a stale post is recorded once")

    moved_start: str | None  # annotated by `ObservationQuerySet.with_moved_start`
    # The columns of the key of the record.
    RECORD_KEY: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True


class Observation(PostedObservation):
    """An entry of a run's history."""

    pk = models.CompositePrimaryKey("run", "n")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="observations", db_index=False
    )

    objects = ObservationQuerySet.as_manager()

    RECORD_KEY = ("run_id",)

    class Meta:
        db_table = "observation"

    def __str__(self) -> str:
        return f"{self.run_id} {self.n}"


class StepObservation(PostedObservation):
    """An entry of a step's history. It is deleted with the run."""

    pk = models.CompositePrimaryKey("run", "step_external_id", "n")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    step_external_id = models.TextField(help_text="The posted id of the step")

    objects = ObservationQuerySet.as_manager()

    RECORD_KEY = ("run_id", "step_external_id")

    class Meta:
        db_table = "step_observation"

    def __str__(self) -> str:
        return f"{self.step_external_id} {self.n}"


class MessageObservation(PostedObservation):
    """An entry of a message's history. It is deleted with the message."""

    pk = models.CompositePrimaryKey("message", "n")
    message = models.ForeignKey(
        Message, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )

    objects = ObservationQuerySet.as_manager()

    RECORD_KEY = ("message_id",)

    class Meta:
        db_table = "message_observation"

    def __str__(self) -> str:
        return f"{self.message_id} {self.n}"


def find_observations(record: Run | RunStep | Message) -> ObservationQuerySet:
    """Return the history of `record`, oldest first, without its first post (see `runs.models.record_history`)."""
    match record:
        case Run():
            observations = Observation.objects.filter(run_id=record.pk)
        case RunStep():
            observations = StepObservation.objects.filter(run_id=record.run_id, step_external_id=record.external_id)
        case Message():
            observations = MessageObservation.objects.filter(message_id=record.pk)
    return observations.order_by("n")
