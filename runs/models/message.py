"""Messages of threads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self

from django.db import models

from runs.db.keyset_pagination import precedes_outer_row
from runs.db.lookups import collate_bytewise
from runs.db.size_limits import take_within_bytes
from runs.models.posted_record import PostedRecord
from runs.models.project import Project
from runs.models.run import Run, RunQuerySet
from runs.models.thread_order import (
    ANSWER_RANK,
    QUESTION_RANK,
    SAME_THREAD_AS_OUTER,
    THREAD_ORDER,
    ThreadPosition,
    order_in_thread,
)
from runs.protocol.lossless_json import clean_text
from runs.protocol.message import MessageColumns, build_message_members

MESSAGE_ORDER = ("created_at", "id")


class MessageQuerySet(models.QuerySet["Message"]):
    """Queries on messages."""

    def in_project(self, project: Project) -> Self:
        """Return the messages of `project`."""
        return self.filter(project=project)

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """Return the messages of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def in_threads_of(self, runs: RunQuerySet) -> Self:
        """Return the messages of the threads that any of `runs` belongs to."""
        return self.filter(thread_id__in=runs.order_by().values("thread_id"))

    def of_runs_or_threads(self, project: Project, run_ids: Iterable[str], thread_ids: Iterable[str]) -> Self:
        """Return the messages that any of those runs wrote, and those of any of those threads."""
        run_ids = [clean_text(run_id) for run_id in run_ids]
        in_any = models.Q(run_external_id__in=run_ids) | models.Q(thread_id__in=list(thread_ids))
        return self.filter(in_any, project=project)

    def ids_of_missing_runs(self, project: Project) -> list[str]:
        """Return the posted ids of the runs of `project` that the messages name, but that are not stored."""
        named = self.exclude(run_external_id=None).values_list("run_external_id", flat=True)
        run_ids = {run_id for run_id in named if run_id is not None}
        stored = Run.objects.with_external_ids(project, run_ids).values_list("external_id", flat=True)
        return sorted(run_ids.difference(stored))

    def for_export(self) -> Self:
        """Order by time, oldest first, then by posted id."""
        return self.order_by("created_at", collate_bytewise("external_id"))

    def opening_threads(self, runs: RunQuerySet) -> Self:
        """Return the messages that come first in their thread, before all of `runs`.

        A run comes before a message of the same second (see `RunQuerySet.opening_threads`).
        """
        earlier = self.filter(**SAME_THREAD_AS_OUTER).filter(precedes_outer_row("created_at", "id"))
        earlier_runs = runs.filter(**SAME_THREAD_AS_OUTER, created_at__lte=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(earlier_runs))

    def of_run(self, run: Run) -> Self:
        """Return the messages that `run` wrote, oldest first. A derived run also has those that it answers."""
        messages = self.filter(project_id=run.project_id, run_external_id=run.external_id).exclude(role="user")
        return messages.order_by(*MESSAGE_ORDER)

    def with_ids(self, external_ids: Collection[str]) -> Self:
        """Return the messages with these posted ids."""
        return self.filter(external_id__in=external_ids)

    def written_by_runs(self, project: Project, runs: Iterable[Run]) -> Self:
        """Return the messages that any of `runs` wrote, oldest first."""
        written = self.filter(project=project, run_external_id__in=[run.external_id for run in runs])
        return written.exclude(role="user").order_by(*MESSAGE_ORDER)

    def answered_by_runs(self, project: Project, runs: Iterable[Run]) -> Self:
        """Return the messages that `runs` answer, oldest first.

        These are messages of users that name one of the runs, as those of derived runs do, and messages that name no
        run since the previous one in the thread. The runs must have it (see `RunQuerySet.with_previous_in_thread`).
        """
        condition = models.Q(role="user", run_external_id__in=[run.external_id for run in runs])
        for run in runs:
            in_thread = models.Q(thread_id=run.thread_id, run_external_id=None, created_at__lte=run.created_at)
            if run.previous_created_at is not None:
                in_thread &= models.Q(created_at__gt=run.previous_created_at)
            condition |= in_thread
        return self.filter(condition, project=project).order_by(*MESSAGE_ORDER)

    def last_question_before(self, run: Run) -> Message | None:
        """Return the last message of a user in the thread of `run`, up to the second in which `run` was created."""
        messages = self.filter(
            project_id=run.project_id, thread_id=run.thread_id, role="user", created_at__lte=run.created_at
        )
        return messages.order_by("-created_at", "-id").first()

    def in_thread_order(self, after: ThreadPosition | None) -> Self:
        """Order messages as they happened (see `runs.models.thread_order`), and keep those after a position."""
        question = models.When(role="user", then=models.Value(QUESTION_RANK))
        return order_in_thread(self.alias(rank=models.Case(question, default=models.Value(ANSWER_RANK))), after)

    def for_thread_page(self, after: ThreadPosition | None, *, max_rows: int, max_bytes: int) -> Self:
        """Return the first messages after a position, with the fields that a thread's page shows.

        They end before their content exceeds `max_bytes`. `row_count` tells how many there are up to `max_rows`.
        """
        first = self.in_thread_order(after).values("pk")[:max_rows]
        messages = self.filter(pk__in=first).in_thread_order(None).defer("extra", "metadata")
        return take_within_bytes(messages, THREAD_ORDER, "content", max_rows=max_rows, max_bytes=max_bytes)

    def for_run_page(self) -> Self:
        """Defer the fields that a run's page does not show."""
        return self.defer("extra", "metadata")

    def last_answer_of(self, run: Run) -> Message | None:
        """Return the last message with a text that `run` wrote, with the fields that a run's page shows."""
        return self.of_run(run).exclude(text="").for_run_page().last()

    def count_and_span(self, limit: int) -> dict[str, Any]:
        """Return the `count`, the `first` and the `last` time of the `limit + 1` oldest messages."""
        oldest = self.order_by("created_at", "id").values("created_at", "id")[: limit + 1]
        return oldest.aggregate(count=models.Count("id"), first=models.Min("created_at"), last=models.Max("created_at"))


class Message(PostedRecord):
    """A message of a thread (`thread.message`)."""

    id = models.UUIDField(primary_key=True, editable=False)
    thread_id = models.TextField()
    run_external_id = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField(null=True)  # noqa: DJ001
    role = models.TextField()
    content = models.TextField(null=True, help_text="JSON, as posted")  # noqa: DJ001
    text = models.TextField(default="", help_text="The text parts of the content, for display and search")
    completed_at = models.DateTimeField(null=True)
    incomplete_at = models.DateTimeField(null=True)
    row_count: int  # annotated by `MessageQuerySet.for_thread_page`

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "message"
        indexes: ClassVar = [
            # messages of a thread in order
            models.Index("project", "thread_id", "created_at", "id", name="message_thread"),
            # messages that a run wrote
            models.Index("project", "run_external_id", name="message_run"),
            # threads by their first message
            models.Index("project", "created_at", "id", name="message_newest"),
        ]

    def __str__(self) -> str:
        return self.external_id

    def members(self) -> dict[str, bytes]:
        """Return the members of the posted message."""
        return build_message_members(self._columns(MessageColumns))
