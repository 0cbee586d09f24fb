"""Tests for deleting the runs that are beyond the limits of retention policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.errors import TooManyRetries
from runs.integrity.check_results import Severity
from runs.integrity.rollup_check import check_rollups
from runs.models import AuditEvent, HourByStatus, Project, RetentionPolicy, Run, RunStep
from runs.rollups import compaction
from runs.team import retention
from runs.team.retention import RetentionLimits, RetentionWorker, preview_retention, set_retention
from tests import factories

TODAY = datetime(2026, 6, 15, 12, tzinfo=UTC)
UNSUCCESSFUL, OTHER = RetentionPolicy.Kind.UNSUCCESSFUL, RetentionPolicy.Kind.OTHER
# The days since each run was created.
AGES = {"run_new": 1, "run_middle": 40, "run_old": 100}
FAILED_AGES = {"run_bad_new": 2, "run_bad_middle": 50, "run_bad_old": 120}


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: TODAY)


@pytest.fixture
def runs(project: Project) -> None:
    """Runs of both kinds and of several ages, with a step each."""
    for ages, status in ((AGES, "completed"), (FAILED_AGES, "expired")):
        for run_id, days in ages.items():
            created_at = int((TODAY - timedelta(days=days)).timestamp())
            run = factories.run_object(id=run_id, status=status, created_at=created_at, thread_id=f"thread_{run_id}")
            assert not factories.post(project, run).errors
            factories.post_steps(project, factories.step_object(run, factories.function_call("look")))


def keep(project: Project, **limits: RetentionLimits) -> None:
    assert set_retention(project, factories.make_user(project, role="admin"), "192.0.2.1", limits)


def finish(project: Project) -> None:
    worker = RetentionWorker()
    while worker.apply_retention(project):
        pass


def remaining(project: Project) -> set[str]:
    return set(Run.objects.in_project(project).values_list("external_id", flat=True))


def check_sums(project: Project) -> None:
    compaction.compact_rollups(project)
    result = check_rollups(project, None, lambda *_: None, is_repairing=False)
    assert result.severity == Severity.OK, result


@pytest.mark.parametrize(
    ("kind", "limits", "deleted"),
    [
        (OTHER, RetentionLimits(max_age_days=30), {"run_middle", "run_old"}),
        (OTHER, RetentionLimits(max_age_days=40), {"run_old"}),  # exactly as old as allowed
        (OTHER, RetentionLimits(max_age_days=39), {"run_middle", "run_old"}),
        (OTHER, RetentionLimits(max_age_days=100), set()),
        (OTHER, RetentionLimits(max_age_days=36_500), set()),
        (OTHER, RetentionLimits(max_runs=1), {"run_middle", "run_old"}),
        (OTHER, RetentionLimits(max_runs=2), {"run_old"}),
        (OTHER, RetentionLimits(max_runs=3), set()),
        (OTHER, RetentionLimits(max_runs=4), set()),
        (OTHER, RetentionLimits(max_age_days=39, max_runs=2), {"run_middle", "run_old"}),
        (OTHER, RetentionLimits(max_age_days=60, max_runs=1), {"run_middle", "run_old"}),
        (UNSUCCESSFUL, RetentionLimits(max_age_days=60), {"run_bad_old"}),
        (UNSUCCESSFUL, RetentionLimits(max_runs=1), {"run_bad_middle", "run_bad_old"}),
    ],
)
def test_runs_beyond_the_limits_are_deleted(
    project: Project, runs: None, kind: str, limits: RetentionLimits, deleted: set[str]
) -> None:
    preview = preview_retention(project, kind, limits)
    assert (preview.count if preview else 0) == len(deleted)
    if preview:
        found = preview.filters.apply(Run.objects.in_project(project))
        assert set(found.values_list("external_id", flat=True)) == deleted
    keep(project, **{kind: limits})
    finish(project)
    assert remaining(project) == {*AGES, *FAILED_AGES} - deleted
    assert RunStep.objects.count() == 6 - len(deleted)
    policy = RetentionPolicy.objects.get()
    assert (policy.last_deleted, policy.last_round_at, policy.round_cutoff) == (len(deleted), TODAY, None)
    check_sums(project)


def test_rounds_are_audited_and_repeated_hourly(project: Project, runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(project, other=RetentionLimits(max_age_days=60))
    finish(project)
    event = AuditEvent.objects.newest(project)[0]
    assert event.user_name == "retention"
    assert event.action.startswith("deleted 1 of runs before 16 Apr 2026, 12:00:00 UTC where not (status is failed")
    again = factories.run_object(id="run_old", created_at=int((TODAY - timedelta(days=100)).timestamp()))
    factories.post(project, again)
    finish(project)
    assert "run_old" in remaining(project)
    monkeypatch.setattr(timezone, "now", lambda: TODAY + timedelta(hours=1))
    finish(project)
    assert "run_old" not in remaining(project)


def test_round_goes_on_in_another_process(project: Project, runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_SECONDS_PER_STEP", 0)
    keep(project, other=RetentionLimits(max_runs=1))
    worker = RetentionWorker()
    worker._batch_size = 1
    assert worker.apply_retention(project)
    assert remaining(project) >= {"run_new", "run_old"}
    assert RetentionPolicy.objects.get().round_deleted == 1
    factories.post(project, factories.run_object(id="run_newer", created_at=int(TODAY.timestamp())))
    finish(project)  # the cutoff of the round stays
    assert remaining(project) - set(FAILED_AGES) == {"run_new", "run_newer"}
    assert RetentionPolicy.objects.get().last_deleted == 2


def test_failed_batch_leaves_everything(project: Project, runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TooManyRetries

    keep(project, other=RetentionLimits(max_runs=1))
    with monkeypatch.context() as patch:
        patch.setattr(retention, "delete_runs", fail)
        assert not RetentionWorker().apply_retention(project)
    assert remaining(project) == {*AGES, *FAILED_AGES}
    finish(project)
    assert RetentionPolicy.objects.get().last_deleted == 2


def test_removed_limit_ends_the_round(project: Project, runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_SECONDS_PER_STEP", 0)
    keep(project, other=RetentionLimits(max_runs=1))
    worker = RetentionWorker()
    worker._batch_size = 1
    worker.apply_retention(project)
    keep(project, other=RetentionLimits())
    finish(project)
    assert "run_old" in remaining(project)
    assert RetentionPolicy.objects.get().last_deleted == 1


def test_other_projects_keep_their_runs(project: Project, runs: None) -> None:
    other = factories.make_project("other")
    factories.post(other, factories.run_object(id="run_old", created_at=1_600_000_000))
    keep(project, other=RetentionLimits(max_age_days=1))
    finish(other)
    finish(project)
    assert remaining(other) == {"run_old"}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    max_age=st.none() | st.integers(1, 5),
    max_runs=st.none() | st.integers(1, 6),
)
def test_remaining_runs_and_sums_are_exact(
    project: Project, ages: list[int], max_age: int | None, max_runs: int | None
) -> None:
    Project.objects.exclude(pk=project.pk).delete()
    times = [int((TODAY - timedelta(days=days, seconds=index)).timestamp()) for index, days in enumerate(ages)]
    posted = [
        factories.run_object(id=f"run_{index}", created_at=created_at, thread_id=f"thread_{index % 3}")
        for index, created_at in enumerate(times)
    ]
    factories.post(project, *posted)
    limits = RetentionLimits(max_age, max_runs)
    set_retention(project, factories.make_user(project, role="admin"), "", {OTHER: limits})
    finish(project)
    newest = sorted(times, reverse=True)[:max_runs]
    oldest = int((TODAY - timedelta(days=max_age)).timestamp()) if max_age else 0
    assert remaining(project) == {
        run["id"]
        for run, created_at in zip(posted, times, strict=True)
        if created_at in newest and created_at >= oldest
    }
    check_sums(project)
    assert sum(HourByStatus.objects.values_list("runs", flat=True)) == len(remaining(project))
    factories.delete_stored_runs(project, remaining(project))
    RetentionPolicy.objects.all().delete()


@pytest.mark.parametrize(
    ("size", "seconds", "expected"),
    [(50, 0.01, 55), (50, 0.06, 50), (50, 0.08, 25), (25, 9.0, 20), (20, 9.0, 20), (200, 0.01, 200)],
)
def test_batches_follow_the_time_they_take(size: int, seconds: float, expected: int) -> None:
    assert retention._choose_batch_size(size, seconds) == expected
