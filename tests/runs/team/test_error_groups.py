"""Decisions on error groups, and the ends of their states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from runs.analytics.error_group_states import fetch_regressions, fetch_state_ends
from runs.errors import InvalidDecision
from runs.models import Configuration, ErrorGroup, ErrorGroupComment, ErrorGroupEvent, Project, User
from runs.team import error_groups
from runs.team.comments import add_comment
from runs.team.memberships import remove_member
from tests import factories

DAY = timedelta(days=1)
# The time of the decision: long ago, so that later runs are not in the future.
DECIDED_AT = datetime.fromtimestamp(factories.NOW, UTC) - 60 * DAY


@pytest.fixture
def group(project: Project) -> ErrorGroup:
    """A group with one run, an hour before the time at which it is decided on."""
    post_at(project, -timedelta(hours=1))
    Configuration.objects.update(first_seen_at=DECIDED_AT - 30 * DAY)
    return ErrorGroup.objects.get()


def post_at(project: Project, age: timedelta, **changes: Any) -> dict[str, Any]:
    """Post a run of the group that was created `age` after the decision."""
    at = int((DECIDED_AT + age).timestamp())
    run = factories.failed_run("code", "Same.", created_at=at, failed_at=at + 5, **changes)
    assert not factories.post(project, run).errors
    return run


def decide(group: ErrorGroup, state: str, user: User, at: datetime = DECIDED_AT, **ignored: Any) -> None:
    """Decide on `group`, as if it was done at `at`."""
    factories.decide(group, state, user, **ignored)
    ErrorGroup.objects.update(state_changed_at=at)
    ErrorGroupEvent.objects.filter(pk=ErrorGroupEvent.objects.latest("pk").pk).update(at=at)


def find_end(now: datetime = DECIDED_AT + 100 * DAY) -> tuple[timedelta, str] | None:
    """Return how long after the decision its state ended, and the new label."""
    group = ErrorGroup.objects.get()
    end = fetch_state_ends([group], now).get(group.pk)
    return (end.at - DECIDED_AT, end.label) if end else None


def test_group_is_ignored_for_some_runs(group: ErrorGroup, project: Project, member: User) -> None:
    decide(group, "ignored", member, until="runs", runs=2)
    post_at(project, 2 * DAY)
    post_at(project, -2 * DAY)  # received later, but created before the decision
    assert find_end() is None
    late = post_at(project, DAY)  # received after a newer one
    assert find_end() == (2 * DAY, "reopened")
    factories.post(project, late)  # posted again
    assert find_end() == (2 * DAY, "reopened")


def test_group_is_ignored_until_date(group: ErrorGroup, member: User) -> None:
    factories.decide(group, "ignored", member, until="date", at=timezone.now() + DAY)
    ErrorGroup.objects.update(ignored_until_at=DECIDED_AT + DAY)
    assert find_end(DECIDED_AT + DAY / 2) is None
    assert find_end(DECIDED_AT + DAY) == (DAY, "reopened")


def test_new_configuration_is_a_regression(group: ErrorGroup, project: Project, member: User) -> None:
    decide(group, "ignored", member, until="regression")
    post_at(project, DAY)
    assert find_end() is None
    post_at(project, 2 * DAY, instructions="New.")
    Configuration.objects.filter(instructions="New.").update(first_seen_at=DECIDED_AT + DAY)
    assert find_end() == (2 * DAY, "regressed")


@pytest.mark.parametrize(
    ("days", "expected"), [((6, 12, 18), None), ((8,), 8), ((6, 14), 14), ((1, 2, 3, 9, 20, 40), 20), ((), None)]
)
def test_run_after_quiet_days_is_a_regression(
    group: ErrorGroup, project: Project, member: User, days: tuple[int, ...], expected: int | None
) -> None:
    decide(group, "ignored", member, until="regression")
    for number in reversed(days):  # the order of arrival does not matter
        post_at(project, number * DAY)
    assert find_end() == (None if expected is None else (expected * DAY, "regressed"))


def test_ignoring_forever_does_not_end(group: ErrorGroup, project: Project, member: User) -> None:
    decide(group, "ignored", member)
    post_at(project, 50 * DAY, instructions="New.")
    assert find_end() is None


def test_regressions_are_found_between_decisions(group: ErrorGroup, project: Project, member: User) -> None:
    for number, state in enumerate(("resolved", "open", "resolved", "ignored")):
        decide(group, state, member, DECIDED_AT + 10 * number * DAY)
    post_at(project, 5 * DAY)
    post_at(project, 6 * DAY)
    post_at(project, 35 * DAY)
    events = list(ErrorGroupEvent.objects.newest(group))
    assert [event.state for event in events] == ["ignored", "resolved", "open", "resolved"]
    assert [at - DECIDED_AT for at in fetch_regressions(group, events)] == [5 * DAY]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("muted",), "state"),
        (("ignored", "later"), "ignored_until"),
        (("ignored", "runs"), "ignored_until_runs"),
        (("ignored", "runs", 0), "ignored_until_runs"),
        (("ignored", "runs", 100_001), "ignored_until_runs"),
        (("ignored", "date"), "ignored_until_at"),
        (("ignored", "date", None, datetime(2020, 1, 1, tzinfo=UTC)), "ignored_until_at"),
    ],
)
def test_invalid_state_is_rejected(arguments: tuple[Any, ...], field: str) -> None:
    with pytest.raises(InvalidDecision) as caught:
        error_groups.build_state_change(*arguments)
    assert [problem.path for problem in caught.value.problems] == [field]


def test_only_members_who_write_are_assigned(group: ErrorGroup, project: Project, member: User) -> None:
    viewer = factories.make_user(project, "viewer")
    stranger = factories.make_user(factories.make_project("other"), "admin")
    for user in (viewer, stranger):
        with pytest.raises(InvalidDecision, match="expected a member"):
            error_groups.build_assignee_change(project, user.get_username())
    change = error_groups.build_assignee_change(project, member.get_username())
    assert error_groups.decide_on_error_groups(project, [group.pk], change, "CI") == 1
    event = ErrorGroupEvent.objects.get()
    assert (event.user, event.user_name, event.action) == (None, "CI", f"assigned it to {member.get_username()}")


def test_former_member_is_unassigned(group: ErrorGroup, project: Project, member: User) -> None:
    change = error_groups.build_assignee_change(project, member.get_username())
    error_groups.decide_on_error_groups(project, [group.pk], change, member)
    remove_member(member.memberships.get(project=project))
    assert ErrorGroup.objects.get().assignee is None


def test_groups_of_other_projects_are_kept(group: ErrorGroup, member: User) -> None:
    other = factories.make_project("other")
    change = error_groups.build_state_change("resolved")
    assert error_groups.decide_on_error_groups(other, [group.pk], change, member) == 0
    assert ErrorGroup.objects.get().state == "open"


def test_deleted_group_leaves_nothing_behind(group: ErrorGroup, project: Project, member: User) -> None:
    factories.decide(group, "resolved", member)
    add_comment(group, member, "Known.")
    factories.delete_run(group.runs.get())
    assert not ErrorGroup.objects.exists()
    assert not ErrorGroupComment.objects.exists()
    assert not ErrorGroupEvent.objects.exists()
