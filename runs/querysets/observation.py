"""Every filter on the history of runs, as chainable methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    # ruff does not see the name that stands in quotes below
    from runs.models import Observation, Run  # noqa: F401


class ObservationQuerySet(models.QuerySet["Observation"]):
    def of_run(self, run: Run) -> Self:
        """The history of one run, oldest first, but for its first post (see `runs.models.run_history`)."""
        return self.filter(run_id=run.pk).order_by("n")

    def for_list(self) -> Self:
        """Without the replaced values."""
        return self.defer("other", "digest")
