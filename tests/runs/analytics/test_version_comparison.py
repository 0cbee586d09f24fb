"""What a change did, against figures computed by hand, and with what is awkward."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from math import ceil
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics import version_comparison, versions
from runs.analytics.confidence_intervals import Proportion
from runs.analytics.version_comparison import VersionComparison
from runs.models import Project, Run, RunStep
from runs.team.deletion import delete_run
from tests import factories
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR, NEW, OLD

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def measured(project: Project, within: timedelta | None = WEEK) -> VersionComparison:
    base, version = versions.fetch_versions(project, ASSISTANT).versions
    at = versions.find_version_change(base, version)
    assert at is not None
    return version_comparison.compare_versions(base, version, at, within)


def test_both_sides_are_what_was_computed_by_hand(project: Project) -> None:
    version_change.fill(project)
    found = measured(project)
    before, after = found.before.metrics, found.after.metrics
    assert found.changed_at == CHANGED
    assert (before.failed_share, after.failed_share) == (Proportion(1, 8), Proportion(2, 4))
    assert (before.incomplete_share, after.incomplete_share) == (Proportion(1, 8), Proportion(0, 4))
    # of 10 to 80 s the fourth and the last; of 20, 40, 60 and 100 s the second and the last
    assert (before.p50_ms, before.p95_ms, before.duration_runs) == (40_000, 80_000, 8)
    assert (after.p50_ms, after.p95_ms, after.duration_runs) == (40_000, 100_000, 4)


def test_tokens_calls_and_costs_are_of_the_runs_that_tell(project: Project) -> None:
    version_change.fill(project)
    found = measured(project)
    before, after = found.before.metrics, found.after.metrics
    # 100 to 700, and 500 and 1500: failed runs have no usage
    assert (before.prompt_tokens, before.prompt_token_runs, after.prompt_tokens, after.prompt_token_runs) == (
        400,
        7,
        500,
        2,
    )
    assert (
        before.completion_tokens,
        before.completion_token_runs,
        after.completion_tokens,
        after.completion_token_runs,
    ) == (40, 7, 20, 2)
    # two calls and one; of the others no steps were received
    assert (before.tool_calls, before.tool_call_runs, after.tool_calls, after.tool_call_runs) == (1.5, 2, None, 0)
    # $0.0003 times 1 to 7; $0.0012 and $0.0036
    assert (before.cost, before.cost_runs) == (pytest.approx(1_200_000), 7)
    assert (after.cost, after.cost_runs) == (pytest.approx(2_400_000), 2)


def test_failures_are_told_by_their_codes(project: Project) -> None:
    version_change.fill(project)
    bare = version_change.run("run_bare", CHANGED + 5 * HOUR, 1, NEW, 1, 1)
    factories.post(project, bare | version_change.failed(bare) | {"last_error": None})
    found = measured(project)
    assert found.before.error_codes == Counter(rate_limit_exceeded=1)
    assert found.after.error_codes == Counter({"rate_limit_exceeded": 2, "": 1})


def test_parts_go_from_the_change_both_ways(project: Project) -> None:
    version_change.fill(project)
    found = measured(project)
    assert found.part_length == HOUR
    assert {place: part.runs for place, part in found.before.parts.items()} == {-place: 1 for place in range(1, 9)}
    assert {place: part.failed for place, part in found.after.parts.items()} == {0: 0, 1: 1, 2: 0, 3: 1}


def test_no_more_is_read_than_asked_for_and_what_is_nearest(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version_change.fill(project)
    found = measured(project, timedelta(hours=2))
    assert (found.before.metrics.runs, found.after.metrics.runs) == (2, 2)
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS", 3)
    found = measured(project)
    assert (found.before.is_capped, found.before.metrics.runs) == (True, 3)
    assert (found.before.since, found.before.until) == (CHANGED - 3 * HOUR, CHANGED - HOUR + timedelta(seconds=1))
    assert (found.after.is_capped, found.after.since, found.after.metrics.runs) == (True, CHANGED, 3)


def test_all_time_is_all_time(project: Project) -> None:
    version_change.fill(project)
    factories.post(project, version_change.run("run_first", CHANGED - 90 * timedelta(days=1), 5, OLD, 1, 1))
    assert measured(project).before.metrics.runs == 8
    assert measured(project, None).before.metrics.runs == 9


def test_deleted_runs_and_those_that_changed_are_counted_as_they_are(project: Project) -> None:
    version_change.fill(project)
    delete_run(Run.objects.get(external_id="run_old_8"))
    late = version_change.after()[1] | {"status": "completed", "completed_at": version_change.after()[1]["failed_at"]}
    assert factories.post(project, late | {"failed_at": None, "last_error": None}).errors == []
    found = measured(project)
    assert found.before.metrics.failed_share == Proportion(0, 7)
    assert found.after.metrics.runs == 4


def test_one_run_without_anything_is_one_run(project: Project) -> None:
    bare: dict[str, Any] = {
        "status": "dreaming",
        "completed_at": None,
        "started_at": None,
        "usage": None,
        "model": None,
    }
    old = version_change.run("run_old", CHANGED - HOUR, 5, OLD, 1, 1, **bare)
    new = version_change.run("run_new", CHANGED, 5, NEW, 1, 1, **bare | {"status": "queued"})
    factories.post(project, old, new)
    found = measured(project)
    for side, active in ((found.before, 0), (found.after, 1)):
        figures = side.metrics
        assert (figures.runs, figures.failed, figures.active) == (1, 0, active)
        assert (figures.p50_ms, figures.p95_ms, figures.prompt_tokens, figures.tool_calls, figures.cost) == (None,) * 5


def test_versions_in_use_at_the_same_time_are_divided_by_the_change(project: Project) -> None:
    """The old one goes on after the new one came; only what it did before is held against it."""
    version_change.fill(project)
    factories.post(project, *(version_change.run(f"run_on_{n}", CHANGED + n * HOUR, 5, OLD, 1, 1) for n in range(1, 4)))
    found = measured(project)
    assert (found.before.metrics.runs, found.after.metrics.runs) == (8, 4)


def test_a_return_is_measured_from_where_it_happened(project: Project) -> None:
    version_change.fill(project)
    back = CHANGED + 10 * HOUR
    factories.post(project, *(version_change.run(f"run_back_{n}", back + n * HOUR, 7, OLD, 1, 1) for n in range(2)))
    first, second = versions.fetch_versions(project, ASSISTANT).versions
    at = versions.find_version_change(second, first)
    assert at == back
    found = version_comparison.compare_versions(second, first, at, WEEK)
    assert (found.before.metrics.runs, found.after.metrics.runs) == (4, 2)
    assert found.before.until == CHANGED + 3 * HOUR + timedelta(seconds=1)


def test_the_cost_is_the_same_at_any_number_of_runs(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version_change.fill(project)
    base, version = versions.fetch_versions(project, ASSISTANT).versions
    with django_assert_num_queries(2):
        version_comparison.compare_versions(base, version, CHANGED, WEEK)
    with django_assert_num_queries(1):
        found = version_comparison.fetch_recent_version_metrics([base, version], 5)
    assert (found[base.id].runs, found[base.id].failed, found[base.id].p50_ms) == (5, 1, 60_000)
    assert found[version.id].tokens == pytest.approx((520 + 1560) / 2)


def test_steps_without_calls_are_runs_that_called_nothing(project: Project) -> None:
    version_change.fill(project)
    RunStep.objects.all().delete()
    factories.post_steps(project, *(factories.step_object(each) for each in version_change.after()))
    found = measured(project)
    assert (found.after.metrics.tool_calls, found.after.metrics.tool_call_runs) == (0.0, 4)
    assert found.before.metrics.tool_calls is None


def test_steps_are_read_of_the_nearest_runs_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version_change.fill(project)
    calls = [factories.function_call("a")] * 3
    factories.post_steps(project, factories.step_object(version_change.before()[-1], *calls))
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS_WITH_STEPS", 1)
    assert (measured(project).before.metrics.tool_calls, measured(project).before.metrics.tool_call_runs) == (3.0, 1)


def anew(runs: list[Run]) -> dict[str, Any]:
    """Figures from the runs themselves: of sorted values the first that so many of them are not above."""

    def at(values: list[Any], share: float) -> Any:
        known = sorted(value for value in values if value is not None)
        return known[ceil(share * len(known)) - 1] if known else None

    costs = [run.cost for run in runs if run.cost is not None]
    durations = [run.duration_ms for run in runs]
    return {
        "runs": len(runs),
        "failed": sum(run.status == "failed" for run in runs),
        "incomplete": sum(run.status == "incomplete" for run in runs),
        "active": sum(run.status in ("queued", "in_progress") for run in runs),
        "p50_ms": at(durations, 0.5),
        "p95_ms": at(durations, 0.95),
        "duration_runs": len([each for each in durations if each is not None]),
        "prompt_tokens": at([run.prompt_tokens for run in runs], 0.5),
        "completion_tokens": at([run.completion_tokens for run in runs], 0.5),
        "cost": pytest.approx(sum(costs) / len(costs)) if costs else None,
        "cost_runs": len(costs),
    }


def some_life(project: Project, chance: random.Random, number: int) -> None:
    """A run of either version that was posted several times, and may be deleted in the end."""
    text, sign = chance.choice([(OLD, -1), (NEW, 1)])
    at = CHANGED + sign * timedelta(minutes=chance.randrange(60 * 24 * 9))
    made = version_change.run(
        f"run_{number}", at, chance.randrange(900), text, chance.randrange(9000), 7, model="gpt-4o"
    )
    factories.post(project, made | {"status": "in_progress", "completed_at": None, "usage": None})
    if chance.random() < 0.7:
        ends = (made, made | version_change.failed(made), made | {"status": "incomplete"}, made | {"usage": None})
        factories.post(project, *[chance.choice(ends)] * 2)
    if chance.random() < 0.1:
        delete_run(Run.objects.get(external_id=made["id"]))


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_what_counting_anew_gives_whatever_happened(project: Project, seed: int) -> None:
    """Status changes, re-sends, deletes, missing usage, and runs at the very second of the change."""
    chance = random.Random(seed)
    for number in range(50):
        some_life(project, chance, number)
    for name, at, text in (("old", CHANGED - timedelta(seconds=1), OLD), ("new", CHANGED, NEW)):
        factories.post(project, version_change.run(f"run_edge_{name}", at, 5, text, 1, 1, model="gpt-4o"))
    found = measured(project)
    for side, begin, end in ((found.before, CHANGED - WEEK, CHANGED), (found.after, CHANGED, CHANGED + WEEK)):
        runs = Run.objects.filter(configuration_id=side.version.id, created_at__gte=begin, created_at__lt=end)
        expected = anew(list(runs))
        assert {name: getattr(side.metrics, name) for name in expected} == expected
        assert sum(part.runs for part in side.parts.values()) == side.metrics.runs
        assert sum(side.error_codes.values()) == side.metrics.failed
