"""Error groups: runs that failed, ended incomplete or expired in the same way."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.user import User

# After so many days without a run, the next run of a group that is ignored until then is a regression.
QUIET_DAYS = 7
# The columns of a group that people change, as they are copied to its successor.
DECISION_FIELDS = (
    "state",
    "state_changed_at",
    "state_changed_by_id",
    "ignored_until",
    "ignored_until_runs",
    "ignored_until_at",
    "assignee_id",
)


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    """Queries on error groups."""

    def in_project(self, project: Project) -> Self:
        """Return the groups of `project`."""
        return self.filter(project=project)

    def for_list(self) -> Self:
        """Join the assignees, and defer the sample message, which can be long."""
        return self.select_related("assignee").defer("sample")

    def with_people(self) -> Self:
        """Join the assignees, and the users who last changed the states."""
        return self.select_related("state_changed_by", "assignee")

    def find(self, project: Project, group_id: uuid.UUID) -> ErrorGroup | None:
        """Return the group of `project` with that id, with its assignee and who last changed its state."""
        return self.in_project(project).with_people().filter(pk=group_id).first()

    def inherit_states(self, predecessors: Mapping[uuid.UUID, uuid.UUID]) -> None:
        """Copy the decisions on each group's predecessor, unless somebody has set a state or an assignee of its own.

        `predecessors` maps the id of a group to that of the group it takes the state from.
        """
        decided = self.exclude(state_changed_at=None, assignee=None).in_bulk(list(set(predecessors.values())))
        for group_id in sorted(predecessors):  # all writers lock rows in this order
            if old := decided.get(predecessors[group_id]):
                decision = {name: getattr(old, name) for name in DECISION_FIELDS}
                self.filter(pk=group_id, state_changed_at=None, assignee=None).update(**decision)

    def locked(self, project: Project, group_ids: Collection[uuid.UUID]) -> list[ErrorGroup]:
        """Return those groups of `project`, locked in the order of their ids, as all writers do."""
        groups = self.in_project(project).filter(pk__in=group_ids).order_by("pk")
        return list(groups.select_for_update(of=("self",)))

    def unassign(self, project: Project, user: User) -> None:
        """Take the groups of `project` from `user`, who is no longer a member."""
        self.in_project(project).filter(assignee=user).update(assignee=None)


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
        IGNORED = "ignored"  # open again when what `ignored_until` says has happened

    class IgnoredUntil(models.TextChoices):
        """What ends the state `ignored`. It is looked up in the runs (see `runs.analytics.error_group_states`)."""

        FOREVER = "forever"
        RUNS = "runs"  # `ignored_until_runs` runs after the decision
        DATE = "date"  # `ignored_until_at`
        REGRESSION = "regression"

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
    ignored_until = models.CharField(
        max_length=10, choices=IgnoredUntil.choices, default=IgnoredUntil.FOREVER, db_default=IgnoredUntil.FOREVER
    )
    ignored_until_runs = models.IntegerField(null=True, blank=True)
    ignored_until_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, db_constraint=False, db_index=False, related_name="+"
    )

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
