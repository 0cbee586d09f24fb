"""Derived fields and rollups of stored runs follow changes of prices and grouping."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from runs.enrichment import derived_field_backfill, error_grouping, step_validation
from runs.enrichment.maintenance import COMPACT_AFTER_ROWS, COMPACT_AFTER_ROWS_IDLE, Maintenance
from runs.models import DayByModel, ErrorGroup, Project, Run, RunStep
from runs.rollups import compaction, runs
from tests import factories
from tests.factories import failed_run, run_object
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


def run_to_completion(work: Maintenance) -> int:
    """Take steps until there is no more to do, and return their number."""
    steps = 1
    while work.step():
        steps += 1
    return steps


@pytest.fixture
def costs_of_deployment(project: Project) -> list[int | None]:
    """Post five runs of a model without a price, one of them without usage."""
    factories.post(project, *(run_object(model="our-deployment") for _ in range(4)))
    factories.post(project, run_object(model="our-deployment", usage=None))
    return list(Run.objects.values_list("cost", flat=True))


def test_new_price_reaches_stored_runs_and_rollups(
    project: Project, costs_of_deployment: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert costs_of_deployment == [None] * 5
    monkeypatch.setattr(derived_field_backfill, "BACKFILL_BATCH_SIZE", 2)
    work = Maintenance()
    run_to_completion(work)
    project.prices = {"our-deployment": {"input": "1", "output": "10"}}
    project.save()
    assert run_to_completion(work) == 3
    # 120 * 1 + 30 * 10 millionths
    assert sorted(Run.objects.values_list("cost", flat=True), key=str) == [420_000] * 4 + [None]
    assert read_rollups(project) == recount_rollups(project)
    project.refresh_from_db()
    assert project.enriched_with


def test_up_to_date_runs_are_not_written(project: Project) -> None:
    factories.post(project, failed_run(), run_object())
    versions = list(Run.objects.values_list("pk", "version"))
    run_to_completion(Maintenance())
    assert list(Run.objects.values_list("pk", "version")) == versions


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        (
            [0, 0, COMPACT_AFTER_ROWS - 1, COMPACT_AFTER_ROWS, COMPACT_AFTER_ROWS],
            [2, 4, 1],
        ),
        (
            [
                0,
                0,
                COMPACT_AFTER_ROWS_IDLE,
                COMPACT_AFTER_ROWS_IDLE,
                COMPACT_AFTER_ROWS_IDLE,
            ],
            [2, 4, 1],
        ),
        ([0, 0, 10, 10], [2, 4, 6]),
    ],
    ids=["many", "some and then no more", "few"],
)
def test_rollups_are_compacted_after_many_inserts(
    project: Project, monkeypatch: pytest.MonkeyPatch, written: list[int], rows: list[int]
) -> None:
    counted = iter(written)
    monkeypatch.setattr(compaction, "count_rollup_inserts", lambda: next(counted))
    work = Maintenance()
    row_counts = []
    for _ in range(3):
        factories.post(project, *(run_object(created_at=factories.NOW + hour) for hour in range(3)))
        factories.post(project, *(run_object(created_at=factories.NOW + hour) for hour in range(3)))
        work.step()
        row_counts.append(DayByModel.objects.count())
    assert row_counts == rows
    assert read_rollups(project) == recount_rollups(project)


def test_space_of_compacted_rollups_is_released_idle(transactional_db: None) -> None:
    project = factories.make_project()
    for _ in range(20):
        days = (run_object(created_at=factories.NOW - day * 86400, model="m" * 200) for day in range(100))
        factories.post(project, *days)
    work, sizes = Maintenance(), []
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT pg_table_size('rollup_day_model')")
            sizes.append(cursor.fetchone()[0])
        work.step()
        work.step()
    assert DayByModel.objects.count() == 100
    assert sizes[1] < sizes[0] / 4
    assert read_rollups(project) == recount_rollups(project)


def test_rollup_inserts_are_counted(transactional_db: None) -> None:
    project = factories.make_project()
    before = compaction.count_rollup_inserts(runs.RUN_ROLLUPS)
    factories.post(project, run_object())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    # all but the one of derived runs
    assert compaction.count_rollup_inserts(runs.RUN_ROLLUPS) - before == len(runs.RUN_ROLLUPS) - 1


def test_new_grouping_version_regroups_stored_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.post(project, failed_run(), run_object())
    run_to_completion(Maintenance())
    before = ErrorGroup.objects.get()
    key_before = error_grouping.make_error_group_id
    monkeypatch.setattr(error_grouping, "GROUPING_VERSION", error_grouping.GROUPING_VERSION + 1)
    monkeypatch.setattr(
        error_grouping,
        "make_error_group_id",
        lambda namespace, group: key_before(namespace, error_grouping.ErrorSignature(group.status, "2", "2")),
    )
    run_to_completion(Maintenance())
    after = ErrorGroup.objects.exclude(pk=before.pk).get()
    assert after.version == before.version + 1
    assert Run.objects.get(status="failed").error_group == after


def test_group_states_survive_new_grouping_version(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.post(project, failed_run(), failed_run("other", "Else."), failed_run("new", "New."))
    run_to_completion(Maintenance())
    user = factories.make_user(project)
    ignored, resolved = (ErrorGroup.objects.get(code=code) for code in ("rate_limit_exceeded", "other"))
    factories.decide(ignored, "ignored", user)
    factories.decide(resolved, "resolved", user)
    monkeypatch.setattr(error_grouping, "GROUPING_VERSION", error_grouping.GROUPING_VERSION + 1)
    monkeypatch.setattr(
        error_grouping, "make_error_group_id", error_grouping.make_error_group_id.__wrapped__
    )  # without what is remembered of the version before
    factories.post(project, failed_run("other", "Else."))  # which makes the heir before its time comes
    run_to_completion(Maintenance())
    now = {group.code: group for group in ErrorGroup.objects.filter(version=error_grouping.GROUPING_VERSION)}
    assert {code: group.state for code, group in now.items()} == {
        "rate_limit_exceeded": "ignored", "other": "resolved", "new": "open",
    }  # fmt: skip
    assert now["rate_limit_exceeded"].state_changed_by == user
    assert now["other"].state_changed_at == ErrorGroup.objects.get(pk=resolved.pk).state_changed_at


def test_concurrent_writer_merges_again(project: Project) -> None:
    run = factories.post_run(project, model="our-deployment")
    project.prices = {"our-deployment": {"input": "1", "output": "10"}}
    project.save()
    run_to_completion(Maintenance())
    run.refresh_from_db()
    assert run.version == 2


def test_interrupted_backfill_starts_again(
    project: Project, costs_of_deployment: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived_field_backfill, "BACKFILL_BATCH_SIZE", 2)
    project.prices = {"our-deployment": {"input": "1", "output": "10"}}
    project.save()
    assert Maintenance().step()
    run_to_completion(Maintenance())
    assert Run.objects.filter(cost=420_000).count() == 4
    assert read_rollups(project) == recount_rollups(project)


def test_failure_in_one_project_stops_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = factories.make_project("other")
    for each in (project, other):
        run = factories.run_object(id=f"run_{each.slug}")
        factories.post(each, run)
        steps = (factories.step_object(run, factories.function_call("search_orders"), id=f"step_{n}") for n in range(3))
        factories.post_steps(each, *steps)
    read_step = step_validation._read_step

    def fail_on_second(record: RunStep, details: str | None) -> Any:
        if (record.project_id, record.external_id) == (project.pk, "step_1"):
            raise ZeroDivisionError
        return read_step(record, details)

    monkeypatch.setattr(step_validation, "_read_step", fail_on_second)
    work = Maintenance()
    for _ in range(6):
        work.step()
    pending = RunStep.objects.filter(invalid_calls=None).values_list("project__slug", "external_id")
    assert list(pending) == [(project.slug, "step_1")]
    assert f"Maintenance of project {project.slug} failed" in caplog.text
