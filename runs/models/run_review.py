"""Reviews: which runs a person has looked at. They are stored apart from what was posted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.run import Run
from runs.models.run_annotation import RunAnnotationQuerySet


class RunReviewQuerySet(RunAnnotationQuerySet):
    """Queries on reviews."""

    run_count = models.Count("*")  # a run has one review at most, so the index alone can tell

    def by_reviewers(self, names: Collection[str]) -> Self:
        """Return the reviews of the users with those names."""
        return self.filter(reviewer__in=names)

    def by_reviewers_like(self, pattern: str) -> Self:
        """Return the reviews of the users whose name matches a LIKE pattern."""
        return self.filter(reviewer__like=pattern)

    def of_run(self, run: Run) -> RunReview | None:
        """Return the review of `run`, None if nobody has reviewed it."""
        return self.filter(run_id=run.pk).first()

    def by_run(self, run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, RunReview]:
        """Return the reviews by the stored id of their run, in one query."""
        return {review.run_id: review for review in self.on_runs(run_ids)}

    def iterate_by_run(self, runs: models.QuerySet[Any]) -> Iterable[tuple[str, str, datetime]]:
        """Iterate over the reviews of `runs` as posted run id, reviewer and time, the oldest run first."""
        reviews = self.filter(run__in=runs.order_by().values("pk")).order_by("created_at", "run_id")
        return reviews.values_list("run__external_id", "reviewer", "reviewed_at").iterator(chunk_size=2000)


class RunReview(models.Model):
    """A run that a person has marked as reviewed. The first mark counts until it is removed."""

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="review"
    )
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField(help_text="Creation time of the run")
    reviewed_at = models.DateTimeField()
    reviewer = models.TextField(help_text="Name of the user, which stays after the user is deleted")

    objects = RunReviewQuerySet.as_manager()

    class Meta:
        db_table = "run_review"
        indexes: ClassVar = [
            # reviewed:ann, and the newest run that somebody has reviewed
            models.Index("project", "reviewer", "created_at", name="run_review_by_reviewer"),
            # reviewed:yes, the newest reviewed run
            models.Index("project", "created_at", name="run_review_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.reviewer}"
