"""What the team says about a run. It lies beside the run, never in its own fields."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from runs.models.account import User
from runs.models.run import Run
from runs.querysets.comment import CommentQuerySet


class Comment(models.Model):
    """One remark of one person. `runs.team.comments` writes it, `runs.team.deletion` takes it away with its run."""

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
        help_text="Null once the person is gone; what they said stays",
    )
    text = models.TextField(help_text="Markdown")
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        db_table = "comment"

    def __str__(self) -> str:
        return self.text[:40]
