"""The steps of one run that a page reads, and the totals of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from runs.analytics import run_steps
from runs.analytics.run_steps import (
    fetch_step_totals,
    read_opening_steps,
    read_step,
    read_steps,
    total_steps,
)
from runs.models import Project, Run, RunStep
from tests import factories

COUNT = 20


def make_run(project: Project, **changes: dict[int, dict[str, Any]]) -> Run:
    """Return a run with steps, of which some differ: `at={3: {"status": "failed"}}` changes the third one."""
    run = factories.run_object(status="requires_action", completed_at=None)
    factories.post(project, run)
    steps = [
        factories.step_object(
            run, factories.function_call(f"tool_{n % 3}"), id=f"step_{n:02}", created_at=run["created_at"] + n
        )
        | changes.get("at", {}).get(n, {})
        for n in range(1, COUNT + 1)
    ]
    factories.post_steps(project, *steps)
    return Run.objects.get()


def read_numbers(run: Run, chosen: int = 0) -> list[int]:
    read = read_steps(run, chosen)
    assert [step.external_id for _, step in read.steps] == [f"step_{number:02}" for number, _ in read.steps]
    assert read.totals == fetch_step_totals(run)
    return [number for number, _ in read.steps]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "MAX_STEPS_READ", 5)
    monkeypatch.setattr(run_steps, "MAX_NOTABLE_STEPS", 3)
    monkeypatch.setattr(run_steps, "LAST_STEPS", 0)


def test_all_steps_of_usual_run_are_read(project: Project, django_assert_num_queries: Any) -> None:
    run = make_run(project)
    with django_assert_num_queries(1):
        read = read_steps(run)

    assert read.is_complete
    assert [number for number, _ in read.steps] == list(range(1, COUNT + 1))


def test_totals_are_the_same_by_both_ways(project: Project) -> None:
    run = make_run(
        project,
        at={
            2: {"status": "failed", "completed_at": None, "failed_at": factories.NOW + 900},
            4: {"last_error": {"code": "server_error", "message": "x"}},
            7: {"status": "in_progress", "completed_at": None},
            9: {"created_at": 10**9},
        },
    )
    totals = fetch_step_totals(run)

    assert totals == total_steps(list(RunStep.objects.of_run(run).oldest_first()))
    assert (totals.count, totals.failed_count, totals.call_count) == (COUNT, 2, COUNT)
    assert dict(totals.tool_counts) == {"tool_0": 6, "tool_1": 7, "tool_2": 7}
    assert totals.waiting_since is not None


def test_run_without_steps_has_totals(project: Project) -> None:
    run = factories.post_run(project)

    assert fetch_step_totals(run) == total_steps([]) == read_steps(run).totals


@pytest.mark.parametrize(
    ("changed", "chosen", "expected"),
    [
        ({}, 0, [1, 2, 3, 4, 5]),
        ({}, 12, [1, 2, 3, 4, 5, 12]),
        ({}, 3, [1, 2, 3, 4, 5]),
        ({}, 99, [1, 2, 3, 4, 5]),
        ({9: "failed", 18: "in_progress"}, 12, [1, 2, 3, 4, 5, 9, 12, 18]),
        (dict.fromkeys(range(8, 20), "failed"), 19, [1, 2, 3, 4, 5, 8, 9, 19]),
    ],
)
def test_first_and_notable_steps_are_read(
    project: Project, small_limits: None, changed: dict[int, str], chosen: int, expected: list[int]
) -> None:
    ended = {"failed": {"failed_at": factories.NOW + 99, "completed_at": None}, "in_progress": {"completed_at": None}}
    run = make_run(project, at={n: {"status": status} | ended[status] for n, status in changed.items()})

    assert read_numbers(run, chosen) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, list(range(1, COUNT + 1))),
        ({"MAX_OPENING_STEPS": COUNT - 1}, [1, 9, 12, 19, 20]),
        ({"MAX_OPENING_BYTES": 100}, [1, 9, 12, 19, 20]),
    ],
)
def test_page_opens_with_all_or_notable_steps(
    project: Project, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], expected: list[int]
) -> None:
    failed = {"status": "failed", "failed_at": factories.NOW + 99, "completed_at": None}
    run = make_run(project, at={9: failed})
    for name, limit in ({"LAST_STEPS": 2} | limits).items():
        monkeypatch.setattr(run_steps, name, limit)

    read = read_opening_steps(run, 12)
    assert [(number, step.external_id) for number, step in read.steps] == [(n, f"step_{n:02}") for n in expected]
    assert read.totals == fetch_step_totals(run)


def test_last_steps_are_read(project: Project, small_limits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "LAST_STEPS", 2)

    assert read_numbers(make_run(project)) == [1, 2, 3, 4, 5, 19, 20]


def test_large_steps_are_read_up_to_a_limit(
    project: Project, small_limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_steps, "MAX_STEPS_READ", COUNT)
    run = make_run(project)
    sizes = [len(step.details or "") for step in RunStep.objects.of_run(run).oldest_first()]

    monkeypatch.setattr(run_steps, "MAX_DETAILS_BYTES", sum(sizes[:7]))
    assert read_numbers(run) == [1, 2, 3, 4, 5, 6, 7]
    monkeypatch.setattr(run_steps, "MAX_DETAILS_BYTES", 1)
    assert read_numbers(run) == [1]


@pytest.mark.parametrize("number", [1, COUNT])
def test_one_step_is_read_by_its_number(project: Project, number: int) -> None:
    step = read_step(make_run(project), number)
    assert step is not None
    assert step.external_id == f"step_{number:02}"


def test_number_after_the_last_step_is_none(project: Project) -> None:
    assert read_step(make_run(project), COUNT + 1) is None
