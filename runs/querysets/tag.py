"""Every filter on tags, as chainable methods."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    # ruff does not see the name that stands in quotes below
    from runs.models import Project, Run, RunTag  # noqa: F401


class RunTagQuerySet(models.QuerySet["RunTag"]):
    def in_project(self, project: Project) -> Self:
        """The tags of one project's runs."""
        return self.filter(project=project)

    def on(self, keys: Collection[uuid.UUID]) -> Self:
        """The tags of the runs with those stored ids."""
        return self.filter(run_id__in=keys)

    def named(self, names: Collection[str]) -> Self:
        """Those of the tags that go by one of `names`."""
        return self.filter(tag__in=names)

    def like(self, pattern: str) -> Self:
        """Those of the tags that are of a pattern of LIKE."""
        return self.filter(tag__like=pattern)

    def newest_run(self) -> datetime | None:
        """When the newest run was created that has any of the tags."""
        return self.order_by("-created_at").values_list("created_at", flat=True).first()

    def move(self, runs: Mapping[uuid.UUID, datetime]) -> None:
        """Note that those runs were created then, other than was known when they were tagged."""
        for run_id in sorted(runs):
            self.filter(run_id=run_id).update(created_at=runs[run_id])

    def by_run(self, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
        """The names of the tags of those runs, in order, by run; one query however many runs."""
        found: dict[uuid.UUID, list[str]] = defaultdict(list)
        for run_id, name in self.on(keys).order_by("tag").values_list("run_id", "tag"):
            found[run_id].append(name)
        return found

    def of_run(self, run: Run) -> list[str]:
        """The names of the tags of one run, in order."""
        return list(self.filter(run_id=run.pk).order_by("tag").values_list("tag", flat=True))

    def of_runs(self, runs: models.QuerySet[Any]) -> Iterable[tuple[str, str]]:
        """The posted id and a tag, for every tag of `runs`: run by run as they were created, one after the other."""
        found = self.filter(run__in=runs.order_by().values("pk")).order_by("created_at", "run_id", "tag")
        return found.values_list("run__external_id", "tag").iterator(chunk_size=2000)
