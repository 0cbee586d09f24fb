"""Comments of the team on runs and on error groups. They are stored apart from what is posted."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.utils import timezone

from runs.models.error_group import ErrorGroup
from runs.models.run import Run
from runs.models.user import User


class CommentQuerySet(models.QuerySet[Any]):
    """Queries on the comments of one table."""

    def oldest_first(self) -> Self:
        """Return the comments, the oldest first."""
        return self.order_by("created_at", "id")

    def of_run(self, run: Run) -> Self:
        """Return the comments on `run`, oldest first."""
        return self.filter(run_id=run.pk).oldest_first()

    def with_authors(self) -> Self:
        """Prefetch the authors, since the two tables may live on different servers."""
        return self.prefetch_related("author")


class AuthoredText(models.Model):
    """The fields of a comment, whatever it is on."""

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
        abstract = True

    def __str__(self) -> str:
        return self.text[:40]


class Comment(AuthoredText):
    """A comment on a run. `runs.team.comments` writes it, `runs.team.deletion` deletes it with its run."""

    pk = models.CompositePrimaryKey("run", "id")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="comments"
    )

    class Meta:
        db_table = "comment"


class ErrorGroupComment(AuthoredText):
    """A comment on an error group. `runs.team.unused_records` deletes it with its group."""

    pk = models.CompositePrimaryKey("group", "id")
    group = models.ForeignKey(
        ErrorGroup, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="comments"
    )

    class Meta:
        db_table = "error_group_comment"
