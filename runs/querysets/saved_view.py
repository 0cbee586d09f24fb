"""Every filter on saved views, as chainable methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    # ruff does not see the names that stand in quotes below
    from runs.models import Project, SavedView


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: Any, project: Project) -> Self:
        """The views of `project` that are for all, the default first, and behind them those of `user` alone."""
        mine = models.Q(shared=False, owner=user)
        found = self.filter(models.Q(shared=True) | mine, project=project)
        return found.order_by("-is_default", "-shared", "name", "pk")

    def in_project(self, project: Project) -> Self:
        """The views of one project, whoever they are for."""
        return self.filter(project=project)

    def defaults(self) -> Self:
        """Those that are the default of their project."""
        return self.filter(is_default=True)

    def beside(self, view: SavedView) -> Self:
        """The views that share a row of tabs with `view`: all that are for everybody, or those of its owner alone."""
        others = self.filter(project_id=view.project_id, shared=view.shared).exclude(pk=view.pk)
        return others if view.shared else others.filter(owner_id=view.owner_id)

    def called(self, name: str) -> Self:
        """Those of that name, in capitals or not."""
        return self.filter(name__iexact=name)

    def with_owners(self) -> Self:
        """With the people whose they are."""
        return self.select_related("owner")
