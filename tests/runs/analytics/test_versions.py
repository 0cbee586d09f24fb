"""The versions of an assistant are ordered by the times of their runs, whenever these were received."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics import versions
from runs.analytics.versions import AssistantVersion, AssistantVersions
from runs.models import Configuration, Project, Run
from tests import factories
from tests.factories import delete_run
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR

pytestmark = pytest.mark.django_db


def post(project: Project, *runs: tuple[str, int]) -> None:
    """Runs by their instructions and the hour in which they were created."""
    posted = [version_change.run(f"run_{text}_{hour}", CHANGED + hour * HOUR, 5, text, 1, 1) for text, hour in runs]
    assert not factories.post(project, *posted).errors


def fetch(project: Project) -> AssistantVersions:
    return versions.fetch_versions(project, ASSISTANT)


def instructions(version: AssistantVersion | None) -> str | None:
    run = (
        Run.objects.with_configuration().get(configuration_id=version.id, created_at=version.first_at)
        if version
        else None
    )
    return run.configuration.instructions if run else None


def hours(version: AssistantVersion) -> tuple[float, float]:
    return tuple((at - CHANGED) / HOUR for at in (version.first_at, version.last_at))  # type: ignore[return-value]


def test_versions_are_ordered_by_first_use(project: Project) -> None:
    for text, hour in (("C", 5), ("B", 3), ("A", 1)):
        post(project, (text, hour), (text, hour + 1))
    known = fetch(project)
    assert [instructions(item) for item in known.versions] == ["A", "B", "C"]
    assert [(item.name, *hours(item)) for item in known.versions] == [("v1", 1, 2), ("v2", 3, 4), ("v3", 5, 6)]
    assert known.current is known.versions[2]
    assert not known.is_capped


def test_late_older_run_changes_order(project: Project) -> None:
    post(project, ("A", 1), ("B", 2))
    post(project, ("B", -1))
    assert [instructions(item) for item in fetch(project).versions] == ["B", "A"]


def test_configuration_without_runs_is_no_version(project: Project) -> None:
    post(project, ("A", 1), ("B", 2))
    delete_run(Run.objects.get(external_id="run_A_1"))
    assert [instructions(item) for item in fetch(project).versions] == ["B"]
    delete_run(Run.objects.get(external_id="run_B_2"))
    assert fetch(project).versions == ()


def test_versions_are_separate_by_assistant_and_project(project: Project) -> None:
    post(project, ("A", 1))
    post(factories.make_project("other"), ("B", 1))
    factories.post_run(project, assistant_id="asst_other")
    assert len(fetch(project).versions) == 1


def test_run_count_ends_above_limit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    post(project, *(("A", hour) for hour in range(5)), ("B", 9))
    known = fetch(project)
    assert list(versions.count_version_runs(known.versions).values()) == [5, 1]
    monkeypatch.setattr(versions, "MAX_COUNTED_VERSION_RUNS", 3)
    assert versions.count_version_runs(known.versions)[known.versions[0].id] == 4


def test_restored_version_is_recognized(project: Project) -> None:
    post(project, ("A", 1), ("A", 2), ("B", 3), ("B", 4), ("A", 5), ("A", 6))
    known = fetch(project)
    first, second = known.versions
    around = versions.fetch_adjacent_versions(known, known.versions)
    assert (around[second.id].previous, around[second.id].restored, around[second.id].restored_at) == (
        first,
        first,
        CHANGED + 5 * HOUR,
    )
    assert (around[first.id].previous, around[first.id].restored) == (None, None)
    assert known.current is first
    assert versions.find_version_change(second, first) == CHANGED + 5 * HOUR
    assert versions.find_version_change(first, second) == CHANGED + 3 * HOUR


def test_concurrent_version_is_not_restored(project: Project) -> None:
    post(project, *(("A", hour) for hour in range(1, 10)), ("B", 3), ("B", 5))
    known = fetch(project)
    first, second = known.versions
    assert versions.fetch_adjacent_versions(known, [second])[second.id].restored is None
    assert versions.fetch_concurrent_versions(known, second) == [(first, 1)]
    assert versions.fetch_concurrent_versions(known, first) == [(second, 2)]


def test_change_within_a_second_is_no_overlap(project: Project) -> None:
    post(project, ("A", 1), ("A", 3), ("B", 3), ("B", 5))
    known = fetch(project)
    assert [versions.fetch_concurrent_versions(known, item) for item in known.versions] == [[], []]


def test_version_never_used_again_has_no_change(project: Project) -> None:
    post(project, ("A", 1), ("B", 3))
    first, second = fetch(project).versions
    assert versions.find_version_change(second, first) is None


def test_version_is_found_by_id_prefix(project: Project) -> None:
    post(project, ("A", 1), ("B", 3))
    known = fetch(project)
    assert known.find(known.versions[1].id.hex[:12]) is known.versions[1]
    assert known.find("") is None
    assert known.find("0" * 32) is None


def test_last_received_versions_are_read_up_to_limit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_VERSIONS", 3)
    for number in range(5):
        post(project, (f"Text {number}", number))
    known = fetch(project)
    assert known.is_capped
    assert [instructions(item) for item in known.versions] == ["Text 2", "Text 3", "Text 4"]


def test_query_count_is_constant(project: Project, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(12):
        post(project, (f"Text {number}", number), (f"Text {number}", number + 20))
    with django_assert_num_queries(2):
        known = fetch(project)
    assert len(known.versions) == 12
    with django_assert_num_queries(3):
        versions.count_version_runs(known.versions)
        versions.fetch_adjacent_versions(known, known.versions)
        versions.fetch_concurrent_versions(known, known.versions[3])


def test_version_times_are_those_of_runs(project: Project) -> None:
    version_change.fill(project)
    old, new = fetch(project).versions
    assert (new.first_at, old.last_at) == (CHANGED, CHANGED - HOUR)
    assert isinstance(old.first_at, datetime)
    assert new.last_at - new.first_at == timedelta(hours=3)


def test_replaced_configuration_ran_just_before(project: Project) -> None:
    post(project, ("B", 3), ("A", 1), ("C", 5), ("A", 4))
    first, second, third = fetch(project).versions
    known = Configuration.objects.in_bulk([item.id for item in fetch(project).versions])
    assert versions.fetch_replaced_configuration(known[first.id]) is None
    assert versions.fetch_replaced_configuration(known[second.id]) == (first.id, CHANGED + 3 * HOUR)
    assert versions.fetch_replaced_configuration(known[third.id]) == (first.id, CHANGED + 5 * HOUR)
