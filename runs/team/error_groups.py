"""Decisions of the team on error groups: their state, how long they are ignored, and who looks after them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidDecision, Problem
from runs.models import ErrorGroup, ErrorGroupEvent, Membership, Project, User

MAX_GROUPS_PER_DECISION = 1_000
MAX_IGNORED_RUNS = 100_000
NOBODY = ""

_IGNORED = ErrorGroup.State.IGNORED
_VERBS = {ErrorGroup.State.OPEN: "reopened", ErrorGroup.State.RESOLVED: "resolved", _IGNORED: "ignored"}
_IgnoredUntil = ErrorGroup.IgnoredUntil


@dataclass(frozen=True, slots=True)
class StateChange:
    """A new state. `runs` and `at` say more about `ignored_until`, where it needs them."""

    state: ErrorGroup.State
    ignored_until: ErrorGroup.IgnoredUntil = _IgnoredUntil.FOREVER
    runs: int | None = None
    at: datetime | None = None

    @property
    def action(self) -> str:
        """The change in words, after the name of who made it: `ignored it until 10 more runs`."""
        return f"{_VERBS[self.state]} it{describe_ignored_until(self.ignored_until, self.runs, self.at)}"


@dataclass(frozen=True, slots=True)
class AssigneeChange:
    """A new assignee; None for nobody."""

    assignee: User | None

    @property
    def action(self) -> str:
        """The change in words, after the name of who made it."""
        return f"assigned it to {self.assignee.get_username()}" if self.assignee else "unassigned it"


Decision = StateChange | AssigneeChange


def describe_ignored_until(until: str, runs: int | None, at: datetime | None) -> str:
    """Return what follows the word "ignored": ` until 10 more runs`; "" if it is for ever."""
    match until:
        case _IgnoredUntil.RUNS:
            return f" until {runs:,} more run{'' if runs == 1 else 's'}"
        case _IgnoredUntil.DATE if at is not None:
            return f" until {at:%Y-%m-%d %H:%M} UTC"
        case _IgnoredUntil.REGRESSION:
            return " until a regression"
    return ""


def describe_decision(decision: Decision, count: int) -> str:
    """Return what was decided on so many groups, after the name of who did it: `resolved 2 groups`."""
    groups = "1 group" if count == 1 else f"{count:,} groups"
    return decision.action.replace(" it", f" {groups}", 1)


def build_state_change(
    state: str, until: str = _IgnoredUntil.FOREVER, runs: int | None = None, at: datetime | None = None
) -> StateChange:
    """Return the change to `state`. Raises InvalidDecision; its problems name the fields of the REST API."""
    if state not in ErrorGroup.State.values:
        raise _invalid("state", f"expected one of {', '.join(ErrorGroup.State.values)}, found '{state}'")
    if state != _IGNORED:
        return StateChange(ErrorGroup.State(state))
    if until not in _IgnoredUntil.values:
        raise _invalid("ignored_until", f"expected one of {', '.join(_IgnoredUntil.values)}, found '{until}'")
    if until == _IgnoredUntil.RUNS and not (runs and 1 <= runs <= MAX_IGNORED_RUNS):
        found = "none" if runs is None else f"{runs:,}"
        raise _invalid("ignored_until_runs", f"expected 1 to {MAX_IGNORED_RUNS:,} runs, found {found}")
    if until == _IgnoredUntil.DATE and (at is None or at <= timezone.now()):
        raise _invalid("ignored_until_at", f"expected a time in the future, found {at.isoformat() if at else 'none'}")
    is_runs, is_date = until == _IgnoredUntil.RUNS, until == _IgnoredUntil.DATE
    return StateChange(_IGNORED, _IgnoredUntil(until), runs if is_runs else None, at if is_date else None)


def build_assignee_change(project: Project, name: str) -> AssigneeChange:
    """Return the change to the user `name`, `NOBODY` to unassign. Raises InvalidDecision."""
    if name == NOBODY:
        return AssigneeChange(None)
    assignee = next((user for user in list_assignees(project) if user.get_username() == name), None)
    if assignee is None:
        raise _invalid("assignee", f"expected a member of the project who may write, found '{name}'")
    return AssigneeChange(assignee)


def list_assignees(project: Project) -> list[User]:
    """Return the users whom groups can be assigned to, by name: the members who may write."""
    memberships = Membership.objects.in_project(project).exclude(role=Membership.Role.VIEWER)
    return [membership.user for membership in memberships]


def decide_on_error_groups(
    project: Project, group_ids: Collection[uuid.UUID], decision: Decision, actor: User | str
) -> int:
    """Make a decision on those groups of `project`, and return how many there are.

    The rows are locked, so that concurrent decisions follow one another, and each is kept as an event. `actor` is a
    user or the name of an API key.
    """
    now = timezone.now()
    with transaction.atomic():
        groups = ErrorGroup.objects.locked(project, group_ids)
        user = actor if isinstance(actor, User) else None
        for group in groups:
            _apply(group, decision, user, now)
        columns = ["state", "state_changed_at", "state_changed_by", "assignee"]
        ErrorGroup.objects.bulk_update(
            groups, [*columns, "ignored_until", "ignored_until_runs", "ignored_until_at"], batch_size=200
        )
        name = actor if isinstance(actor, str) else actor.get_username()
        state = decision.state if isinstance(decision, StateChange) else ""
        ErrorGroupEvent.objects.bulk_create(
            ErrorGroupEvent(group=group, at=now, user=user, user_name=name, action=decision.action, state=state)
            for group in groups
        )
    return len(groups)


def _apply(group: ErrorGroup, decision: Decision, user: User | None, now: datetime) -> None:
    if isinstance(decision, AssigneeChange):
        group.assignee = decision.assignee
        return
    group.state, group.state_changed_at, group.state_changed_by = decision.state, now, user
    group.ignored_until = decision.ignored_until
    group.ignored_until_runs, group.ignored_until_at = decision.runs, decision.at


def _invalid(field: str, message: str) -> InvalidDecision:
    return InvalidDecision(f"{field}: {message}", [Problem(field, message)])
