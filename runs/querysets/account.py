"""The querysets about a project's people and keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.db import connections, models
from django.db.models.expressions import RawSQL

if TYPE_CHECKING:
    # ruff does not see the names that stand in quotes below
    from runs.models import ApiKey, AuditEvent, Membership, Project  # noqa: F401


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> Self:
        """The projects that `user` is a member of, each with their `role` in it."""
        return self.filter(memberships__user=user).annotate(role=models.F("memberships__role"))

    def locked(self, project: Project) -> Project:
        """The project as it is now, locked until the transaction ends."""
        return self.select_for_update().get(pk=project.pk)

    def assessed(self, project: Project, fingerprint: str) -> None:
        """Note with what all runs of `project` are assessed now, unless its prices changed meanwhile."""
        self.filter(pk=project.pk, prices=project.prices).update(assessed_with=fingerprint)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of_project(self, project: Project) -> Self:
        """The members of a project with their users, by name."""
        return self.filter(project=project).select_related("user").order_by("user__username")

    def administrators(self, project: Project) -> Self:
        """The administrators of a project, locked: whether one is left is decided by one at a time."""
        return self.filter(project=project, role="admin").select_for_update()


# Differs whenever one of the two rows does: Postgres writes a changed row to a new place, and notes which transaction
# did it.
_ROW_VERSION = "concat_ws(' ', api_key.xmin, api_key.ctid, project.xmin, project.ctid)"
_SELECT_USABLE_KEY_VERSION = f"""
    SELECT {_ROW_VERSION} FROM api_key JOIN project ON project.id = api_key.project_id
     WHERE api_key.digest = %s AND api_key.revoked_at IS NULL"""  # noqa: S608


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Keys that were not revoked."""
        return self.filter(revoked_at=None)

    def with_digest(self, digest: bytes) -> ApiKey | None:
        """The key with that hash and its project, with the version of their rows, in one query."""
        found = self.select_related("project").annotate(rows_version=RawSQL(_ROW_VERSION, []))  # noqa: S611
        return found.filter(digest=digest).first()

    def version(self, digest: bytes) -> str | None:
        """The version alone, in a tenth of the time; None for a key that is unknown or was revoked."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(_SELECT_USABLE_KEY_VERSION, [digest])
            row = cursor.fetchone()
            return None if row is None else row[0]

    def of_project(self, project: Project) -> Self:
        """The keys of a project, usable ones first, the newest of each first."""
        return self.filter(project=project).order_by(models.F("revoked_at").asc(nulls_first=True), "-created_at")

    def names(self, ids: Iterable[int | None]) -> dict[int, str]:
        """The names of some keys, revoked ones too, by their ids."""
        return dict(self.filter(pk__in={each for each in ids if each is not None}).values_list("pk", "name"))
