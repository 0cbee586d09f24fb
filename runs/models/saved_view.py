"""Saved views: named queries of the run list."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from runs.models.membership import Membership
from runs.models.project import Project
from runs.models.user import User

MAX_VIEW_NAME_LENGTH = 60  # characters


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Queries on saved views."""

    def visible_to(self, user: Any, project: Project) -> Self:
        """Return the shared views of `project`, the default first, then the private views of `user`."""
        own = models.Q(shared=False, owner=user)
        views = self.filter(models.Q(shared=True) | own, project=project)
        return views.order_by("-is_default", "-shared", "name", "pk")

    def in_project(self, project: Project) -> Self:
        """Return all views of `project`, private ones included."""
        return self.filter(project=project)

    def defaults(self) -> Self:
        """Return the views that are the default of their project."""
        return self.filter(is_default=True)

    def siblings(self, view: SavedView) -> Self:
        """Return the other views of the same project that are shared if `view` is, or else belong to its owner."""
        others = self.filter(project_id=view.project_id, shared=view.shared).exclude(pk=view.pk)
        return others if view.shared else others.filter(owner_id=view.owner_id)

    def named(self, name: str) -> Self:
        """Return the views of that name, ignoring case."""
        return self.filter(name__iexact=name)

    def with_owners(self) -> Self:
        """Join the owners."""
        return self.select_related("owner")


class SavedView(models.Model):
    """A query, a sort order, columns and a chart under a name, for one person or for the whole project.

    The query is stored as text, so that a view outlives the fields it names: it stays in the list, reports what is
    wrong with its query, and can be corrected.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=MAX_VIEW_NAME_LENGTH)
    query = models.TextField(blank=True, help_text="Query text; empty for all runs")
    sort = models.TextField(blank=True, help_text="As in the URL of the list; empty for newest first")
    chart = models.TextField(blank=True, default="", db_default="", help_text="As in the URL; empty for runs")
    columns = ArrayField(models.TextField(), null=True, help_text="Null for the columns that the user prefers")
    shared = models.BooleanField(default=False, help_text="Visible to the whole project, or to its owner only")
    is_default = models.BooleanField(default=False, help_text="The view that the project's run list opens with")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        db_table = "saved_view"
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.F("project"),
                Lower("name"),
                name="saved_view_once_for_all",
                condition=models.Q(shared=True),
            ),
            models.UniqueConstraint(
                models.F("project"),
                models.F("owner"),
                Lower("name"),
                name="saved_view_once_for_one",
                condition=models.Q(shared=False),
            ),
            models.UniqueConstraint(
                fields=["project"], name="saved_view_one_default", condition=models.Q(is_default=True)
            ),
            models.CheckConstraint(
                name="saved_view_default_is_for_all", condition=models.Q(is_default=False) | models.Q(shared=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def can_be_changed_by(self, user: User, role: str) -> bool:
        """Return whether `user`, who has `role` in the project, may rename, replace and delete the view."""
        if role == Membership.Role.ADMIN and self.shared:
            return True
        return role in (Membership.Role.MEMBER, Membership.Role.ADMIN) and self.owner_id == user.pk
