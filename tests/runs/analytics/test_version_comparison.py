"""Comparisons of versions, against values by hand and a recount of random runs."""

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
from tests import factories
from tests.factories import delete_run
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR, NEW, OLD

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def compare(project: Project, within: timedelta | None = WEEK) -> VersionComparison:
    base, version = versions.fetch_versions(project, ASSISTANT).versions
    at = versions.find_version_change(base, version)
    assert at is not None
    return version_comparison.compare_versions(base, version, at, within)


def test_both_sides_equal_values_by_hand(project: Project) -> None:
    version_change.fill(project)
    result = compare(project)
    before, after = result.before.metrics, result.after.metrics
    assert result.changed_at == CHANGED
    assert (before.failed_share, after.failed_share) == (Proportion(1, 8), Proportion(2, 4))
    assert (before.incomplete_share, after.incomplete_share) == (Proportion(1, 8), Proportion(0, 4))
    # of 10 to 80 s the fourth and the last; of 20, 40, 60 and 100 s the second and the last
    assert (before.p50_ms, before.p95_ms, before.duration_runs) == (40_000, 80_000, 8)
    assert (after.p50_ms, after.p95_ms, after.duration_runs) == (40_000, 100_000, 4)


def test_metrics_ignore_runs_without_a_value(project: Project) -> None:
    version_change.fill(project)
    result = compare(project)
    before, after = result.before.metrics, result.after.metrics
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


def test_failures_are_counted_by_code(project: Project) -> None:
    version_change.fill(project)
    bare = version_change.run("run_bare", CHANGED + 5 * HOUR, 1, NEW, 1, 1)
    factories.post(project, bare | version_change.failed(bare) | {"last_error": None})
    result = compare(project)
    assert result.before.error_codes == Counter(rate_limit_exceeded=1)
    assert result.after.error_codes == Counter({"rate_limit_exceeded": 2, "": 1})


def test_parts_count_from_the_change(project: Project) -> None:
    version_change.fill(project)
    result = compare(project)
    assert result.part_length == HOUR
    assert {index: part.runs for index, part in result.before.parts.items()} == {-index: 1 for index in range(1, 9)}
    assert {index: part.failed for index, part in result.after.parts.items()} == {0: 0, 1: 1, 2: 0, 3: 1}


def test_nearest_runs_are_read_up_to_limit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version_change.fill(project)
    result = compare(project, timedelta(hours=2))
    assert (result.before.metrics.runs, result.after.metrics.runs) == (2, 2)
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS", 3)
    result = compare(project)
    assert (result.before.is_capped, result.before.metrics.runs) == (True, 3)
    assert (result.before.since, result.before.until) == (CHANGED - 3 * HOUR, CHANGED - HOUR + timedelta(seconds=1))
    assert (result.after.is_capped, result.after.since, result.after.metrics.runs) == (True, CHANGED, 3)


def test_unlimited_distance_reads_all_runs(project: Project) -> None:
    version_change.fill(project)
    factories.post(project, version_change.run("run_first", CHANGED - 90 * timedelta(days=1), 5, OLD, 1, 1))
    assert compare(project).before.metrics.runs == 8
    assert compare(project, None).before.metrics.runs == 9


def test_deleted_and_changed_runs_are_respected(project: Project) -> None:
    version_change.fill(project)
    delete_run(Run.objects.get(external_id="run_old_8"))
    late = version_change.after()[1] | {"status": "completed", "completed_at": version_change.after()[1]["failed_at"]}
    assert factories.post(project, late | {"failed_at": None, "last_error": None}).errors == []
    result = compare(project)
    assert result.before.metrics.failed_share == Proportion(0, 7)
    assert result.after.metrics.runs == 4


def test_bare_run_counts_without_values(project: Project) -> None:
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
    result = compare(project)
    for side, active in ((result.before, 0), (result.after, 1)):
        figures = side.metrics
        assert (figures.runs, figures.failed, figures.active) == (1, 0, active)
        assert (figures.p50_ms, figures.p95_ms, figures.prompt_tokens, figures.tool_calls, figures.cost) == (None,) * 5


def test_concurrent_versions_are_divided_by_the_change(project: Project) -> None:
    """The old version has runs after the change, too; only those before it are compared."""
    version_change.fill(project)
    factories.post(project, *(version_change.run(f"run_on_{n}", CHANGED + n * HOUR, 5, OLD, 1, 1) for n in range(1, 4)))
    result = compare(project)
    assert (result.before.metrics.runs, result.after.metrics.runs) == (8, 4)


def test_restored_version_is_compared_from_its_return(project: Project) -> None:
    version_change.fill(project)
    back = CHANGED + 10 * HOUR
    factories.post(project, *(version_change.run(f"run_back_{n}", back + n * HOUR, 7, OLD, 1, 1) for n in range(2)))
    first, second = versions.fetch_versions(project, ASSISTANT).versions
    at = versions.find_version_change(second, first)
    assert at == back
    result = version_comparison.compare_versions(second, first, at, WEEK)
    assert (result.before.metrics.runs, result.after.metrics.runs) == (4, 2)
    assert result.before.until == CHANGED + 3 * HOUR + timedelta(seconds=1)


def test_comparison_takes_constant_queries(project: Project, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    version_change.fill(project)
    base, version = versions.fetch_versions(project, ASSISTANT).versions
    with django_assert_num_queries(2):
        version_comparison.compare_versions(base, version, CHANGED, WEEK)
    with django_assert_num_queries(1):
        result = version_comparison.fetch_recent_version_metrics([base, version], 5)
    assert (result[base.id].runs, result[base.id].failed, result[base.id].p50_ms) == (5, 1, 60_000)
    assert result[version.id].tokens == pytest.approx((520 + 1560) / 2)


def test_steps_without_calls_count_as_zero(project: Project) -> None:
    version_change.fill(project)
    RunStep.objects.all().delete()
    factories.post_steps(project, *(factories.step_object(item) for item in version_change.after()))
    result = compare(project)
    assert (result.after.metrics.tool_calls, result.after.metrics.tool_call_runs) == (0.0, 4)
    assert result.before.metrics.tool_calls is None


def test_steps_of_nearest_runs_are_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version_change.fill(project)
    calls = [factories.function_call("a")] * 3
    factories.post_steps(project, factories.step_object(version_change.before()[-1], *calls))
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS_WITH_STEPS", 1)
    assert (compare(project).before.metrics.tool_calls, compare(project).before.metrics.tool_call_runs) == (3.0, 1)


def recount(runs: list[Run]) -> dict[str, Any]:
    """Return the metrics, computed from the runs; percentiles are values that occur."""

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
        "duration_runs": len([item for item in durations if item is not None]),
        "prompt_tokens": at([run.prompt_tokens for run in runs], 0.5),
        "completion_tokens": at([run.completion_tokens for run in runs], 0.5),
        "cost": pytest.approx(sum(costs) / len(costs)) if costs else None,
        "cost_runs": len(costs),
    }


def post_random_run(project: Project, rng: random.Random, number: int) -> None:
    """Post a run of one of the versions several times, and delete it sometimes."""
    text, sign = rng.choice([(OLD, -1), (NEW, 1)])
    at = CHANGED + sign * timedelta(minutes=rng.randrange(60 * 24 * 9))
    posted = version_change.run(f"run_{number}", at, rng.randrange(900), text, rng.randrange(9000), 7, model="gpt-4o")
    factories.post(project, posted | {"status": "in_progress", "completed_at": None, "usage": None})
    if rng.random() < 0.7:
        ends = (
            posted,
            posted | version_change.failed(posted),
            posted | {"status": "incomplete"},
            posted | {"usage": None},
        )
        factories.post(project, *[rng.choice(ends)] * 2)
    if rng.random() < 0.1:
        delete_run(Run.objects.get(external_id=posted["id"]))


@pytest.mark.parametrize("seed", range(4))
def test_metrics_equal_recount_after_any_writes(project: Project, seed: int) -> None:
    """Status changes, re-sends, deletes, missing usage, and runs in the second of the change."""
    rng = random.Random(seed)
    for number in range(50):
        post_random_run(project, rng, number)
    for name, at, text in (("old", CHANGED - timedelta(seconds=1), OLD), ("new", CHANGED, NEW)):
        factories.post(project, version_change.run(f"run_edge_{name}", at, 5, text, 1, 1, model="gpt-4o"))
    result = compare(project)
    for side, begin, end in ((result.before, CHANGED - WEEK, CHANGED), (result.after, CHANGED, CHANGED + WEEK)):
        runs = Run.objects.filter(configuration_id=side.version.id, created_at__gte=begin, created_at__lt=end)
        expected = recount(list(runs))
        assert {name: getattr(side.metrics, name) for name in expected} == expected
        assert sum(part.runs for part in side.parts.values()) == side.metrics.runs
        assert sum(side.error_codes.values()) == side.metrics.failed
