"""Every filter, annotation and prefetch on stored records, as chainable methods."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models.functions import Left

if TYPE_CHECKING:
    from runs.filters import Cursor, RunFilters
    from runs.models import ApiKey, Message, Observation, Project, Run, RunStep

PREVIEW_LENGTH = 400


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> Self:
        """The projects that `user` is a member of."""
        return self.filter(memberships__user=user)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Keys that were not revoked."""
        return self.filter(revoked_at=None)

    def with_digest(self, digest: bytes) -> ApiKey | None:
        """The key with that hash and its project, in one query."""
        return self.select_related("project").filter(digest=digest).first()


class RunQuerySet(models.QuerySet["Run"]):
    def in_project(self, project: Project) -> Self:
        """The runs of one project."""
        return self.filter(project=project)

    def find(self, project: Project, run_id: str) -> Run | None:
        """The run that was posted to `project` with that id."""
        return self.filter(pk=project.key(run_id)).first()

    def matching(self, filters: RunFilters) -> Self:
        """The runs that `filters` asks for."""
        return self.filter(filters.conditions())

    def newest_first(self) -> Self:
        """In the order of every list. The id settles equal times, so that pages never overlap."""
        return self.order_by("-created_at", "-id")

    def after(self, cursor: Cursor | None) -> Self:
        """What comes behind `cursor` in a list, newest first."""
        if cursor is None:
            return self
        tied = models.Q(created_at=cursor.created_at, id__lt=cursor.id)
        # the first condition is what the index is entered with; the second settles ties
        return self.filter(created_at__lte=cursor.created_at).filter(
            tied | models.Q(created_at__lt=cursor.created_at)
        )

    def for_list(self) -> Self:
        """Without payloads; of error messages the beginning, as `error_preview`."""
        return self.defer("required_action", "extra", "error_message").annotate(
            error_preview=Left("error_message", PREVIEW_LENGTH)
        )

    def with_configuration(self) -> Self:
        """With their configurations, prefetched: they may live on another server."""
        return self.prefetch_related("configuration")


class StepQuerySet(models.QuerySet["RunStep"]):
    def tools_of(self, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Counter[str]]:
        """Which tools those runs called, and how often, by run; one query however many runs."""
        called: dict[uuid.UUID, Counter[str]] = defaultdict(Counter)
        for run_id, names in self.filter(run_id__in=run_ids).values_list("run_id", "tool_names"):
            called[run_id].update(names)
        return called

    def in_order(self) -> Self:
        """As they happened; within one second in the order in which they were received."""
        return self.order_by("created_at", "received_at", "external_id")


class MessageQuerySet(models.QuerySet["Message"]):
    def of_run(self, run: Run) -> Self:
        """The messages that `run` wrote, oldest first."""
        return self.filter(project_id=run.project_id, run_external_id=run.external_id).order_by("created_at", "id")


class ObservationQuerySet(models.QuerySet["Observation"]):
    pass
