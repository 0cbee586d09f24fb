"""Comments of the team on runs. They are stored apart from the posted fields of a run."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone

from runs.models.run import Run
from runs.models.user import User


class CommentQuerySet(models.QuerySet["Comment"]):
    """Queries on comments."""

    def of_run(self, run: Run) -> Self:
        """Return the comments on `run`, oldest first."""
        return self.filter(run_id=run.pk).order_by("created_at", "id")

    def with_authors(self) -> Self:
        """Prefetch the authors, since the two tables may live on different servers."""
        return self.prefetch_related("author")

    def find(self, run: Run, comment_id: uuid.UUID) -> Comment | None:
        """Return the comment on `run` with that id."""
        return self.filter(run_id=run.pk, id=comment_id).first()


class Comment(models.Model):
    """A comment on a run. `runs.team.comments` writes it, `runs.team.deletion` deletes it with its run."""

    pk = models.CompositePrimaryKey("run", "id")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="comments"
    )
    id = models.UUIDField(default=uuid.uuid4, editable=False)
    author = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Null after the user is deleted; the comment stays",
    )
    text = models.TextField(help_text="Markdown")
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        db_table = "comment"

    def __str__(self) -> str:
        return self.text[:40]
