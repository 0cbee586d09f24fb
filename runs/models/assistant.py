"""Display names of assistants. Runs carry only the id of their assistant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db import models
from django.utils import timezone

from runs.models.project import Project
from runs.models.user import User


class AssistantQuerySet(models.QuerySet["Assistant"]):
    """Queries on the names of assistants."""

    def find(self, project: Project, assistant_id: str) -> Assistant | None:
        """Return the names of the assistant with that posted id, with the user who gave one."""
        return self.select_related("given_by").filter(pk=project.record_id(assistant_id)).first()

    def names_by_id(self, project: Project, assistant_ids: Iterable[str | None]) -> dict[str, str]:
        """Return the display names of the assistants with those posted ids, without those that have none."""
        keys = {project.record_id(assistant_id) for assistant_id in assistant_ids if assistant_id}
        return _read_display_names(self.filter(pk__in=keys)) if keys else {}

    def names_like(self, project: Project, pattern: str) -> dict[str, str]:
        """Return the display names that match an ILIKE pattern, by the posted ids of their assistants."""
        return _read_display_names(self.filter(_display_name_matches("ilike", pattern), project=project))

    def ids_with_name_like(self, project: Project, patterns: Iterable[str]) -> list[str]:
        """Return the posted ids of the assistants whose display name matches any of the LIKE patterns."""
        matches_any = reduce(or_, (_display_name_matches("like", pattern) for pattern in patterns))
        assistants = self.filter(matches_any, project=project).order_by("external_id")
        return list(assistants.values_list("external_id", flat=True))

    def set_given_name(self, project: Project, assistant_id: str, name: str | None, user: User) -> None:
        """Set the name that `user` gives an assistant; None removes a given name."""
        now = timezone.now()
        changes = {"given_name": name, "given_by": user, "given_at": now}
        new = {"project": project, "external_id": assistant_id, "received_at": now, "seen_at": now}
        self.update_or_create(pk=project.record_id(assistant_id), defaults=changes, create_defaults=changes | new)


def _display_name_matches(lookup: str, value: str) -> models.Q:
    """Return the condition that the display name matches: the given name, or else the posted one."""
    given, posted = models.Q(**{f"given_name__{lookup}": value}), models.Q(**{f"posted_name__{lookup}": value})
    return given | (models.Q(given_name__isnull=True) & posted)


def _read_display_names(assistants: AssistantQuerySet) -> dict[str, str]:
    rows = assistants.values_list("external_id", "given_name", "posted_name")
    return {assistant_id: name for assistant_id, given, posted in rows if (name := given or posted)}


class Assistant(models.Model):
    """The names of one assistant: the posted one, and the one that a person gave it, which takes precedence.

    Both are stored, so that neither overwrites the other: a post never changes what a person decided, and removing
    the given name shows the posted one again. Assistants that never had a name have no row.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assistants")
    external_id = models.TextField(help_text="The posted id, which is the assistant_id of runs")
    posted_name = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    given_name = models.TextField(null=True)  # noqa: DJ001 - null if no name was given
    given_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1, help_text="Number of posts that changed it; guards concurrent writes")
    received_at = models.DateTimeField(help_text="Time of first receipt of a name")
    seen_at = models.DateTimeField(help_text="Time of last receipt, changed or not")

    objects = AssistantQuerySet.as_manager()

    class Meta:
        db_table = "assistant"

    def __str__(self) -> str:
        return self.name or self.external_id

    @property
    def name(self) -> str | None:
        """The display name, shown in place of the id."""
        return self.given_name or self.posted_name
