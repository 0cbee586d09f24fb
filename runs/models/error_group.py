"""Error groups: runs that failed, ended incomplete or expired in the same way."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from runs.models.project import Project
from runs.models.user import User


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    """Queries on error groups."""

    def in_project(self, project: Project) -> Self:
        """Return the groups of `project`."""
        return self.filter(project=project)

    def for_list(self) -> Self:
        """Defer the sample message, which can be long."""
        return self.defer("sample")

    def with_state_changed_by(self) -> Self:
        """Join the users who last changed the states."""
        return self.select_related("state_changed_by")

    def find(self, project: Project, group_id: uuid.UUID) -> ErrorGroup | None:
        """Return the group of `project` with that id, with the user who last changed its state."""
        return self.in_project(project).with_state_changed_by().filter(pk=group_id).first()

    def inherit_states(self, predecessors: Mapping[uuid.UUID, uuid.UUID]) -> None:
        """Copy the state of each group's predecessor, unless somebody has set a state of its own.

        `predecessors` maps the id of a group to that of the group it takes the state from.
        """
        decided = self.exclude(state_changed_at=None).in_bulk(list(set(predecessors.values())))
        for group_id in sorted(predecessors):  # all writers lock rows in this order
            if old := decided.get(predecessors[group_id]):
                state = {"state": old.state, "state_changed_at": old.state_changed_at}
                self.filter(pk=group_id, state_changed_at=None).update(
                    **state, state_changed_by=old.state_changed_by_id
                )

    def set_state(self, group: ErrorGroup, state: str, user: User) -> None:
        """Set the state of `group`, and record that `user` did so now."""
        self.filter(pk=group.pk).update(state=state, state_changed_at=timezone.now(), state_changed_by=user)


class ErrorGroup(models.Model):
    """A status, an error code and a message template that runs which ended in an error have in common.

    The id is a hash of the project, the algorithm's version and what identifies the group (see
    `runs.enrichment.error_grouping`), so ingest can compute it without a query. Ingest inserts rows and never changes
    them; people change the state.
    """

    class State(models.TextChoices):
        """The decision of the team on a group."""

        OPEN = "open"
        RESOLVED = "resolved"  # open again if a later run belongs to the group
        IGNORED = "ignored"

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    version = models.SmallIntegerField(help_text="Version of the grouping algorithm")
    status = models.TextField()
    code = models.TextField(null=True)  # noqa: DJ001 - a run can fail without saying why
    template = models.TextField(help_text="The message, with the parts that differ between runs replaced")
    sample = models.TextField(help_text="The first message of the group")
    first_seen_at = models.DateTimeField(help_text="Time of receipt of its first run")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    state_changed_at = models.DateTimeField(null=True, blank=True)
    state_changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = ErrorGroupQuerySet.as_manager()

    class Meta:
        db_table = "error_group"
        indexes: ClassVar = [
            # groups of a project by state
            models.Index("project", "state", name="error_group_state"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "resolved", "ignored"]), name="error_group_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.template}"
