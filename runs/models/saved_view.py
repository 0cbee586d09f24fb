"""Saved views: what a team asks of the run list again and again, by name."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from runs.models.account import Membership, Project, User
from runs.querysets.saved_view import SavedViewQuerySet

MAX_VIEW_NAME_LENGTH = 60  # characters


class SavedView(models.Model):
    """A query, an order and columns under a name: for one person, or for all of the project.

    What is asked is kept as people write it, so that a view outlives a field that is no more: it is listed still,
    says what is wrong with it, and can be mended.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=MAX_VIEW_NAME_LENGTH)
    query = models.TextField(blank=True, help_text="In the query language; empty for all runs")
    sort = models.TextField(blank=True, help_text="As in an address of the list; empty for newest first")
    columns = ArrayField(models.TextField(), null=True, help_text="Null for those of whoever looks")
    shared = models.BooleanField(default=False, help_text="For all of the project, or for its owner alone")
    is_default = models.BooleanField(default=False, help_text="What the project's list opens with")
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

    def may_change(self, user: User, role: str) -> bool:
        """Whether `user`, who is `role` in the project, may rename, replace and delete it."""
        if role == Membership.Role.ADMIN and self.shared:
            return True
        return role in (Membership.Role.MEMBER, Membership.Role.ADMIN) and self.owner_id == user.pk
