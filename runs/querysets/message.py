"""Every filter on messages, as chainable methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from runs.db.keyset_pagination import precedes_outer_row
from runs.querysets.course import (
    ANSWER_RANK,
    QUESTION_RANK,
    SAME_THREAD_AS_OUTER,
    ThreadPosition,
    collate_bytewise,
    order_in_thread,
)

if TYPE_CHECKING:
    from runs.models import Message, Project, Run
    from runs.querysets.run import RunQuerySet


class MessageQuerySet(models.QuerySet["Message"]):
    def in_project(self, project: Project) -> Self:
        """The messages of one project."""
        return self.filter(project=project)

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """The messages of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def in_threads_of(self, runs: RunQuerySet) -> Self:
        """The messages of the threads that `runs` stand in."""
        return self.filter(thread_id__in=runs.order_by().values("thread_id"))

    def for_export(self) -> Self:
        """Oldest first; the posted id settles equal times."""
        return self.order_by("created_at", collate_bytewise("external_id"))

    def opening_threads(self, runs: RunQuerySet) -> Self:
        """The messages that are the first thing known of their thread, before all of `runs`.

        Where a run and a message came in the same second, it is the run (see `RunQuerySet.opening_threads`).
        """
        earlier = self.filter(**SAME_THREAD_AS_OUTER).filter(precedes_outer_row("created_at", "id"))
        made = runs.filter(**SAME_THREAD_AS_OUTER, created_at__lte=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(made))

    def of_run(self, run: Run) -> Self:
        """The messages that `run` wrote, oldest first."""
        return self.filter(project_id=run.project_id, run_external_id=run.external_id).order_by("created_at", "id")

    def asked(self, run: Run) -> Message | None:
        """What a person said last in the thread before `run` was made."""
        said = self.filter(project_id=run.project_id, thread_id=run.thread_id, created_at__lte=run.created_at)
        return said.filter(role="user").order_by("-created_at", "-id").first()

    def in_course(self, after: ThreadPosition | None) -> Self:
        """As they went, from behind `after` on; within a second, people ask first and the rest comes last."""
        asked = models.When(role="user", then=models.Value(QUESTION_RANK))
        return order_in_thread(self.alias(rank=models.Case(asked, default=models.Value(ANSWER_RANK))), after)

    def for_reading(self) -> Self:
        """Without what is not shown among the messages of a thread."""
        return self.defer("extra", "metadata")

    def extent(self, most: int) -> dict[str, Any]:
        """`count`, `first` and `last` time of the oldest ones, no more of them than one above `most`."""
        oldest = self.order_by("created_at", "id").values("created_at", "id")[: most + 1]
        return oldest.aggregate(count=models.Count("id"), first=models.Min("created_at"), last=models.Max("created_at"))
