"""Every filter on error groups, as chainable methods."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from runs.models import ErrorGroup, Project, User


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    def in_project(self, project: Project) -> Self:
        """The groups of one project."""
        return self.filter(project=project)

    def for_list(self) -> Self:
        """Without the sample, which can be long."""
        return self.defer("sample")

    def with_people(self) -> Self:
        """With who changed their states."""
        return self.select_related("state_changed_by")

    def find(self, project: Project, key: uuid.UUID) -> ErrorGroup | None:
        """The group of `project` with that id, and who changed its state."""
        return self.in_project(project).with_people().filter(pk=key).first()

    def inherit(self, heirs: Mapping[uuid.UUID, uuid.UUID]) -> None:
        """What was decided about a group goes on for its heir (`heirs` has it by that), unless something was there."""
        decided = self.exclude(state_changed_at=None).in_bulk(list(set(heirs.values())))
        for key in sorted(heirs):
            if old := decided.get(heirs[key]):
                state = {"state": old.state, "state_changed_at": old.state_changed_at}
                self.filter(pk=key, state_changed_at=None).update(**state, state_changed_by=old.state_changed_by_id)

    def decide(self, group: ErrorGroup, state: str, user: User) -> None:
        """Note what `user` decided about `group`, and when."""
        self.filter(pk=group.pk).update(state=state, state_changed_at=timezone.now(), state_changed_by=user)
