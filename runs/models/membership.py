"""Memberships: the role of a user in a project."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.user import User


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Queries on memberships."""

    def in_project(self, project: Project) -> Self:
        """Return the memberships of `project` with their users, ordered by user name."""
        return self.filter(project=project).select_related("user").order_by("user__username")

    def locked_administrators(self, project: Project) -> Self:
        """Return the administrators of `project`, locked so that two of them can't leave at once."""
        return self.filter(project=project, role="admin").select_for_update()


class Membership(models.Model):
    """The role of one user in one project."""

    class Role(models.TextChoices):
        """The roles, each with the permissions of those before it."""

        VIEWER = "viewer"  # reads
        MEMBER = "member"  # also tags, comments, saves views
        ADMIN = "admin"  # also deletes, and manages keys and members

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        db_table = "membership"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "member", "admin"]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"
