"""What the team adds to runs and the query language searches: tags and reviews. It is never posted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Self

from django.db import models

from runs.models.project import Project


class RunAnnotationQuerySet(models.QuerySet[Any]):
    """Queries on annotations, which have a copy of their run's project and creation time for their indexes.

    `run_count` counts the runs of some annotations.
    """

    run_count: models.Aggregate = models.Count("run_id", distinct=True)

    def in_project(self, project: Project) -> Self:
        """Return the annotations of the runs of `project`."""
        return self.filter(project=project)

    def on_runs(self, run_ids: Collection[uuid.UUID]) -> Self:
        """Return the annotations of the runs with those stored ids."""
        return self.filter(run_id__in=run_ids)

    def newest_run_created_at(self) -> datetime | None:
        """Return when the newest run with any of the annotations was created."""
        return self.order_by("-created_at").values_list("created_at", flat=True).first()

    def update_run_times(self, created_at: Mapping[uuid.UUID, datetime]) -> None:
        """Update the copies of the runs' creation times, by the stored id of the run."""
        for run_id in sorted(created_at):  # all writers lock rows in this order
            self.filter(run_id=run_id).update(created_at=created_at[run_id])
