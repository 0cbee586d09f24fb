"""What people wrote about runs, as chainable methods."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from runs.models import Comment, Run


class CommentQuerySet(models.QuerySet["Comment"]):
    def of_run(self, run: Run) -> Self:
        """The comments on one run, oldest first."""
        return self.filter(run_id=run.pk).order_by("created_at", "id")

    def with_authors(self) -> Self:
        """With who wrote them, prefetched: the tables may live on different servers."""
        return self.prefetch_related("author")

    def find(self, run: Run, comment_id: uuid.UUID) -> Comment | None:
        """The comment on `run` with that id."""
        return self.filter(run_id=run.pk, id=comment_id).first()
