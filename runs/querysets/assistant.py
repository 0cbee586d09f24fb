"""Every filter on the names of assistants, as chainable methods."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from runs.models import Assistant, Project, User


def _display_name_matches(lookup: str, value: str | bool) -> models.Q:
    """Of the name that is shown: the one that a person gave, otherwise the posted one."""
    given, posted = models.Q(**{f"given_name__{lookup}": value}), models.Q(**{f"posted_name__{lookup}": value})
    return given | (models.Q(given_name__isnull=True) & posted)


class AssistantQuerySet(models.QuerySet["Assistant"]):
    def find(self, project: Project, assistant_id: str) -> Assistant | None:
        """The names of the assistant with that id, and who gave the shown one."""
        return self.select_related("given_by").filter(pk=project.key(assistant_id)).first()

    def names(self, project: Project, assistant_ids: Iterable[str | None]) -> dict[str, str]:
        """What is shown in place of those ids, by id; of those that have a name. One look-up by key."""
        keys = {project.key(each) for each in assistant_ids if each}
        return _display_names(self.filter(pk__in=keys)) if keys else {}

    def named_like(self, project: Project, pattern: str) -> dict[str, str]:
        """The names that are like `pattern`, as ILIKE takes it, by the ids of their assistants."""
        return _display_names(self.filter(_display_name_matches("ilike", pattern), project=project))

    def ids_named(self, project: Project, patterns: Iterable[str]) -> list[str]:
        """The ids of the assistants whose name is like one of `patterns`, as LIKE takes them."""
        like = reduce(or_, (_display_name_matches("like", pattern) for pattern in patterns))
        found = self.filter(like, project=project).order_by("external_id")
        return list(found.values_list("external_id", flat=True))

    def give_name(self, project: Project, assistant_id: str, name: str | None, user: User) -> None:
        """Have `user` call an assistant `name`, which stands above a posted one; None takes a given name back."""
        now = timezone.now()
        given = {"given_name": name, "given_by": user, "given_at": now}
        new = {"project": project, "external_id": assistant_id, "received_at": now, "seen_at": now}
        self.update_or_create(pk=project.key(assistant_id), defaults=given, create_defaults=given | new)


def _display_names(assistants: AssistantQuerySet) -> dict[str, str]:
    found = assistants.values_list("external_id", "given_name", "posted_name")
    return {assistant_id: name for assistant_id, given, posted in found if (name := given or posted)}
