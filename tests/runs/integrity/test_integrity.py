"""Damage to derived data is found and, where nothing can be lost, repaired."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from runs.integrity.check_results import CheckResult, Severity
from runs.integrity.history import check_history
from runs.integrity.metadata import check_metadata
from runs.integrity.orphans import check_belongings, check_references
from runs.integrity.rollup_recount import check_rollup_day, find_rollup_days, repair_rollup_day
from runs.models import DayByModel, ErrorGroup, HourByTool, MetadataKey, MetadataValue, Observation, Project, Run
from runs.rollups import compaction
from runs.team.reviews import mark_reviewed
from runs.team.tags import add_tags
from tests import factories
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


@pytest.fixture
def stored(project: Project) -> Project:
    """A project with runs, steps with tool calls, history, tags and error groups on three days."""
    for day in range(3):
        run = factories.run_object(created_at=factories.NOW + day * 86_400, id=f"run_{day}")
        factories.post(project, run | {"status": "in_progress", "usage": None}, run)
        factories.post(project, factories.failed_run(created_at=run["created_at"], metadata={"team": f"t{day}"}))
        factories.post_steps(project, factories.step_object(run, factories.function_call("search_orders")))
    add_tags(project, [project.record_id("run_0")], ["checked"], None)
    mark_reviewed(project, [project.record_id("run_0")], "ann")
    return project


def execute(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def check_all(project: Project, *, is_repairing: bool = False) -> Iterator[CheckResult]:
    yield from check_belongings(is_repairing=is_repairing)
    yield from check_references(project, is_repairing=is_repairing)
    yield from check_history(project, lambda *_: None)
    yield from check_metadata(project, is_repairing=is_repairing)


def find_faults(project: Project) -> list[str]:
    return [result.message for result in check_all(project) if result.severity is not Severity.OK]


def test_sound_data_has_no_faults(stored: Project) -> None:
    assert find_faults(stored) == []
    assert len(find_rollup_days(stored)) == 3
    assert [check_rollup_day(stored, day) for day in find_rollup_days(stored)] == [[], [], []]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM rollup_day_model WHERE day = (SELECT min(day) FROM rollup_day_model)",
        "UPDATE rollup_hour_model SET total_tokens = total_tokens + 7",
        "UPDATE rollup_hour_status SET status = 'lost', runs = 2 * runs",
        "UPDATE rollup_hour_assistant SET assistant_id = 'asst_other'",
        "UPDATE rollup_hour_tool SET calls = calls - 1, name = 'other'",
        "DELETE FROM rollup_hour_tool",
        "UPDATE run SET total_tokens = 1",
    ],
)
def test_damaged_rollups_are_corrected(stored: Project, damage: str) -> None:
    execute(damage)
    days = find_rollup_days(stored)
    assert any(check_rollup_day(stored, day) for day in days)
    repaired = [repair_rollup_day(stored, day) for day in days]
    assert any(repaired)
    assert not any(check_rollup_day(stored, day) for day in find_rollup_days(stored))
    assert read_rollups(stored) == recount_rollups(stored)
    compaction.compact_rollups(stored)
    assert read_rollups(stored) == recount_rollups(stored)


def test_rollups_of_other_days_and_projects_stay(stored: Project) -> None:
    other = factories.make_project("other")
    factories.post_run(other, created_at=factories.NOW)
    execute("DELETE FROM rollup_day_model")
    repair_rollup_day(stored, find_rollup_days(stored)[0])
    assert {row.day for row in DayByModel.objects.all()} == {find_rollup_days(stored)[0]}
    assert not DayByModel.objects.filter(project=other).exists()


def test_repair_beside_writers_stays_exact(transactional_db: None) -> None:
    project = factories.make_project()
    factories.post(project, *(factories.run_object(created_at=factories.NOW) for _ in range(20)))
    execute("UPDATE rollup_day_model SET runs = runs + 5")
    day = find_rollup_days(project)[0]

    def write() -> None:
        for _ in range(10):
            factories.post(project, *(factories.run_object(created_at=factories.NOW) for _ in range(3)))
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    repair_rollup_day(project, day)
    for thread in threads:
        thread.join()
    assert check_rollup_day(project, day) == []
    assert Run.objects.count() == 80
    assert read_rollups(project) == recount_rollups(project)


def test_concurrent_repairs_correct_once(transactional_db: None) -> None:
    project = factories.make_project()
    factories.post_run(project)
    execute("UPDATE rollup_day_model SET runs = runs + 5")
    day = find_rollup_days(project)[0]

    def repair() -> None:
        repair_rollup_day(project, day)
        connection.close()

    threads = [threading.Thread(target=repair) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_rollups(project) == recount_rollups(project)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE observation SET run_id = gen_random_uuid()", "entries of the history of missing runs"),
        ("UPDATE run_tag SET run_id = gen_random_uuid()", "tags of missing runs"),
        ("UPDATE run_review SET run_id = gen_random_uuid()", "reviews of missing runs"),
        (
            """INSERT INTO configuration (id, project_id, assistant_id, body, tool_types, function_names, first_seen_at)
               SELECT gen_random_uuid(), {project}, 'asst_gone', '{{}}', '{{}}', '{{}}', now() - interval '1 day'""",
            "configurations that no run has",
        ),
        ("DELETE FROM tool_definition", "tools of configurations that the tool pages lack"),
        ("UPDATE tool_definition SET id = gen_random_uuid()", "tool definitions that no configuration has"),
        ("DELETE FROM error_group", "error groups of runs that are missing"),
        ("DELETE FROM metadata_key", "keys that searches do not know"),
        ("DELETE FROM metadata_value", "values that searches do not find"),
        ("UPDATE metadata_value SET last_hour = '2020-01-01'", "values that searches do not find"),
    ],
)
def test_damage_is_found_and_repaired(stored: Project, damage: str, found: str) -> None:
    execute(damage.format(project=stored.pk))
    assert any(found in fault for fault in find_faults(stored))
    repaired = [result.message for result in check_all(stored, is_repairing=True)]
    assert any(message.startswith("repaired:") and found in message for message in repaired)
    assert not any(found in fault for fault in find_faults(stored))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM configuration", "runs without their configuration"),
        ("DELETE FROM observation", "histories with missing entries"),
        ("UPDATE observation SET other = '{'", "histories that cannot be rebuilt"),
        (
            "UPDATE run_step SET run_id = gen_random_uuid(), received_at = now() - interval '8 days'",
            "steps that have waited for their run for a week",
        ),
    ],
)
def test_lost_content_is_only_reported(stored: Project, damage: str, found: str) -> None:
    before = (Run.objects.count(), Observation.objects.count())
    execute(damage)
    after = (Run.objects.count(), Observation.objects.count())
    assert any(found in fault for fault in find_faults(stored))
    with transaction.atomic():
        list(check_references(stored, is_repairing=True))
    assert (Run.objects.count(), Observation.objects.count()) == after <= before
    assert any(found in fault for fault in find_faults(stored))


def test_repaired_metadata_is_searchable(stored: Project) -> None:
    execute("DELETE FROM metadata_value")
    list(check_metadata(stored, is_repairing=True))
    assert MetadataValue.objects.filter(key="team").count() == 3
    assert MetadataKey.objects.filter(is_complete=True).count() == 2
    assert ErrorGroup.objects.count() == 1
    assert HourByTool.objects.count() == 3
