"""Tests for changing all runs that match a query, in steps."""

from __future__ import annotations

from typing import Any

import pytest

from runs.errors import BulkActionInProgress
from runs.models import AuditEvent, BulkAction, Project, Run, RunReview, RunTag, User
from runs.query import RunFilters
from runs.team import bulk_actions
from runs.team.bulk_actions import BulkRequest, cancel_bulk_action, continue_bulk_action, start_bulk_action
from runs.team.tags import MAX_TAGS_PER_RUN, add_tags
from tests import factories

FAILED = RunFilters.parse_query_text("status:failed")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "STEP_SIZE", 3)


@pytest.fixture
def runs(project: Project) -> None:
    """Seven failed runs and one that completed."""
    failed = [factories.failed_run(id=f"run_{number}", message="no") for number in range(7)]
    assert not factories.post(project, *failed, factories.run_object(id="run_good")).errors


def start(project: Project, user: User, kind: str, filters: RunFilters = FAILED, *tags: str) -> BulkAction:
    return start_bulk_action(project, user, "192.0.2.1", BulkRequest(filters, kind, tags))


def finish(project: Project) -> int:
    steps = 1
    while continue_bulk_action(project):
        steps += 1
    return steps


def events(project: Project) -> list[str]:
    return list(AuditEvent.objects.filter(project=project).order_by("pk").values_list("action", flat=True))


def test_tags_are_added_step_by_step(project: Project, member: User, runs: None) -> None:
    action = start(project, member, "add_tags", FAILED, "seen")
    assert action.total == 7
    assert continue_bulk_action(project)
    assert RunTag.objects.count() == 3
    action.refresh_from_db()
    assert (action.processed, action.changed, action.ended_at) == (3, 3, None)
    finish(project)  # as another process would after a restart
    action.refresh_from_db()
    assert (action.processed, action.changed) == (7, 7)
    assert action.ended_at
    assert RunTag.objects.count() == 7
    assert events(project) == [
        "started: Add tags seen, 7 runs with status failed",
        "finished: Add tags seen, 7 of 7 runs changed",
    ]
    assert not continue_bulk_action(project)


def test_runs_are_marked_and_unmarked_as_reviewed(project: Project, member: User, runs: None) -> None:
    start(project, member, "mark_reviewed", RunFilters.parse_query_text("status:failed reviewed:no"))
    finish(project)
    assert set(RunReview.objects.values_list("reviewer", flat=True)) == {member.get_username()}
    assert RunReview.objects.count() == 7
    action = start(project, member, "unmark_reviewed", RunFilters.parse_query_text("reviewed:yes"))
    assert action.total == 7
    finish(project)
    assert not RunReview.objects.exists()
    assert events(project)[1::2] == [
        "finished: Mark as reviewed, 7 of 7 runs changed",
        "finished: Mark as not reviewed, 7 of 7 runs changed",
    ]


def test_removing_what_the_query_asks_for_reaches_all(project: Project, member: User, runs: None) -> None:
    start(project, member, "add_tags", FAILED, "seen")
    finish(project)
    action = start(project, member, "remove_tags", RunFilters.parse_query_text("tag:seen"), "seen")
    finish(project)
    action.refresh_from_db()
    assert (action.changed, RunTag.objects.count()) == (7, 0)


def test_deletion_spares_later_runs_and_is_audited(project: Project, member: User, runs: None) -> None:
    start(project, member, "delete")
    continue_bulk_action(project)
    factories.post(project, factories.failed_run(id="run_later", message="no"))
    finish(project)
    assert set(Run.objects.values_list("external_id", flat=True)) == {"run_good", "run_later"}
    deletions = AuditEvent.objects.filter(category="deletion", user=member, address="192.0.2.1")
    assert deletions.filter(action="deleted the run run_3").exists()
    assert events(project)[-1] == "finished: Delete, 7 of 7 runs changed"


def test_only_the_newest_runs_up_to_the_limit_change(
    project: Project, member: User, runs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "MAX_BULK_RUNS", 4)
    assert bulk_actions.count_affected_runs(project, FAILED) == 5
    assert start(project, member, "add_tags", FAILED, "seen").total == 4
    finish(project)
    assert RunTag.objects.count() == 4


def test_one_action_runs_at_a_time_and_can_be_cancelled(project: Project, member: User, runs: None) -> None:
    action = start(project, member, "add_tags", FAILED, "seen")
    with pytest.raises(BulkActionInProgress):
        start(project, member, "delete")
    start(factories.make_project("other"), member, "delete")
    continue_bulk_action(project)
    cancel_bulk_action(action)
    assert not continue_bulk_action(project)
    assert RunTag.objects.count() == 3
    assert events(project)[-1] == "ended early (cancelled): Add tags seen, 3 of 7 runs changed"
    start(project, member, "add_tags", FAILED, "other")


@pytest.mark.parametrize("case", ["too many tags", "unknown field"])
def test_problem_ends_the_action_with_its_reason(project: Project, member: User, runs: None, case: Any) -> None:
    action = start(project, member, "add_tags", FAILED, "seen")
    if case == "too many tags":
        add_tags(project, Run.objects.values_list("pk", flat=True), [f"t{n}" for n in range(MAX_TAGS_PER_RUN)], None)
    else:
        BulkAction.objects.update(query="gone:x")
    assert not continue_bulk_action(project)
    action.refresh_from_db()
    assert action.ended_at
    assert ("at most 20 tags" if case == "too many tags" else "unknown field 'gone'") in action.problem
