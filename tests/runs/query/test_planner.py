"""The planner chooses between scans, and every scan selects the same runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Project, Run
from runs.query import Query, RunFilters, planner
from tests import factories
from tests.factories import NOW, run_object
from tests.runs.query import dataset
from tests.runs.query.test_conditions import HELP_EXAMPLES, MORE_QUERIES, find_runs

BITMAP_SCAN, HIDDEN_CONDITION = "num_nulls", "THEN true ELSE false"
LONGEST_FIRST = Order("duration")


@pytest.fixture
def dataset_project(project: Project) -> Project:
    dataset.fill(project)
    return project


@pytest.fixture
def tiny_samples(monkeypatch: Any) -> None:
    """Make samples smaller than the data set."""
    for name, value in {"SAMPLE_SIZE": 1, "MIN_DENSE_MATCHES": 1, "MAX_SAMPLED_MATCHES": 3}.items():
        monkeypatch.setattr(planner, name, value)


def capture_statements(project: Project, text: str, order: Order = NEWEST_FIRST) -> list[str]:
    plan = RunFilters(q=Query.parse(text)).plan(project)
    with CaptureQueriesContext(connection) as queries:
        list(plan.sort_runs(Run.objects.in_project(project), order)[:1])
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(("sample_size", "min_matches"), [(0, 2), (0, 1)])
def test_both_scans_find_same_runs(
    dataset_project: Project, monkeypatch: Any, sample_size: int, min_matches: int
) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", sample_size)
    monkeypatch.setattr(planner, "MIN_DENSE_MATCHES", min_matches)
    for text, expected in (HELP_EXAMPLES | MORE_QUERIES).items():
        assert find_runs(dataset_project, text) == expected, text


@pytest.mark.parametrize("by", ["created", "duration", "tokens", "cost"])
def test_every_order_finds_same_runs(dataset_project: Project, tiny_samples: None, by: str) -> None:
    runs = Run.objects.in_project(dataset_project)
    for text, expected in (HELP_EXAMPLES | MORE_QUERIES).items():
        plan = RunFilters(q=Query.parse(text)).plan(dataset_project, dataset.NOW)
        for order in (Order(by), Order(by, descending=False)):
            ids = {run.external_id.removeprefix("run_") for run in plan.sort_runs(runs, order)}
            assert ids == expected, (text, order)


@pytest.mark.parametrize("scan_limit", [1, 40_000])
def test_count_finds_same_runs(dataset_project: Project, tiny_samples: None, monkeypatch: Any, scan_limit: int) -> None:
    monkeypatch.setattr(planner, "MAX_COUNT_SCAN", scan_limit)
    runs = Run.objects.in_project(dataset_project)
    for text, expected in (HELP_EXAMPLES | MORE_QUERIES).items():
        condition, is_limited = (
            RunFilters(q=Query.parse(text)).plan(dataset_project, dataset.NOW).build_count_condition()
        )
        counted = {run.external_id.removeprefix("run_") for run in runs.filter(condition)}
        assert counted == expected or (is_limited and counted < expected), text


@pytest.mark.usefixtures("tiny_samples")
def test_near_matches_use_index_scan(dataset_project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 5)
    assert HIDDEN_CONDITION in capture_statements(dataset_project, "metadata.customer:globex")[-1]


@pytest.mark.usefixtures("tiny_samples")
def test_old_matches_use_bitmap_scan(dataset_project: Project) -> None:
    for text in ("weather", "function:get_weather", "status:failed model:o3 total_tokens:*"):
        assert BITMAP_SCAN in capture_statements(dataset_project, text)[-1]


@pytest.mark.usefixtures("tiny_samples")
def test_other_order_uses_cheaper_scan(dataset_project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(planner, "PLANNED_PAGE_SIZE", 1)
    monkeypatch.setattr(planner, "MAX_CHEAP_SCAN", 2)
    assert HIDDEN_CONDITION in capture_statements(dataset_project, "duration:>1s status:failed", LONGEST_FIRST)[-1]
    # no index serves a negated term
    assert HIDDEN_CONDITION in capture_statements(dataset_project, "-status:failed", LONGEST_FIRST)[-1]
    monkeypatch.setattr(planner, "PLANNED_PAGE_SIZE", 1000)
    assert BITMAP_SCAN in capture_statements(dataset_project, "thread:thread_plain", LONGEST_FIRST)[-1]
    # only two runs were created in that period
    assert BITMAP_SCAN in capture_statements(dataset_project, "created:>=2026-05-10", LONGEST_FIRST)[-1]


@pytest.mark.parametrize("text", ["status:failed", "model:o3 created:-7d", "error:rate_limit_exceeded", "awaiting:*"])
def test_exact_index_needs_no_sample(dataset_project: Project, text: str) -> None:
    (statement,) = capture_statements(dataset_project, text)
    assert BITMAP_SCAN not in statement
    assert HIDDEN_CONDITION not in statement


@pytest.mark.usefixtures("tiny_samples")
@pytest.mark.parametrize(("field", "status"), [("started", "failed"), ("ended", "failed"), ("ended", "completed")])
def test_early_start_or_end_bounds_scan(project: Project, field: str, status: str) -> None:
    name = "started_at" if field == "started" else f"{status}_at"
    ended = {"status": status, "completed_at": None, f"{status}_at": NOW + 10}
    factories.post(
        project,
        *(
            run_object(id=f"run_{n}", created_at=NOW + n, started_at=NOW + n) | ended | {name: NOW + n}
            for n in range(6)
        ),
    )
    text = f"{field}:<{datetime.fromtimestamp(NOW + 4, UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert find_runs(project, text) == {"0", "1", "2", "3"}
    assert '"run"."created_at" <= ' in capture_statements(project, text)[-1]
    factories.post_run(project, **{"id": "run_odd", "created_at": NOW + 9, "started_at": NOW} | ended | {name: NOW})
    assert find_runs(project, text) == {"0", "1", "2", "3", "odd"}
    assert '"run"."created_at" <= ' not in capture_statements(project, text)[-1]


@pytest.fixture
def similar_runs(project: Project, tiny_samples: None, monkeypatch: Any) -> Project:
    """Store twelve completed runs, six of them with one model, and limit scans to a few runs."""
    factories.post(project, *(run_object(created_at=NOW + 9 * n, model="one" if n % 2 else "other") for n in range(12)))
    for name, value in {
        "SAMPLE_SIZE": 4,
        "MAX_SAMPLED_MATCHES": 100,
        "MAX_COUNT_SCAN": 2,
        "MAX_SLOW_COUNT_SCAN": 1,
    }.items():
        monkeypatch.setattr(planner, name, value)
    return project


def test_scan_follows_index_of_leading_term(similar_runs: Project) -> None:
    *_, sample, page = capture_statements(similar_runs, "total_tokens:* status:completed model:one")
    for statement in (sample, page):
        before = statement.partition("CASE")[0]
        assert '"run"."model" IN (\'one\')' in before
        assert '"run"."status"' not in before.partition("WHERE")[2]
    assert HIDDEN_CONDITION in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [("total_tokens:* model:one", 3), ("-thread:none -function:* model:one", 2), ("-error:* -reason:*", 3)],
)
def test_count_scan_is_limited(similar_runs: Project, text: str, expected: int) -> None:
    condition, is_limited = RunFilters(q=Query.parse(text)).plan(similar_runs, dataset.NOW).build_count_condition()
    assert is_limited
    assert Run.objects.in_project(similar_runs).filter(condition).count() == expected
