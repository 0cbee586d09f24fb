"""Totals and facets equal a recount of the runs."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from runs.analytics import recent_sample
from runs.analytics.run_overview import RunOverview, RunTotals, fetch_run_overview
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.models import Project, Run
from runs.query import RunFilters, planner
from runs.query.order import RUN_SORTS, parse_order
from tests import factories
from tests.factories import NOW, run_object

FIELDS = {"status": "status", "model": "model", "assistant": "assistant_id", "thread": "thread_id"}
FACETS = ("status", "model", "assistant", "error")
# what is asked, and whether sums know it of all matches
QUERIES = {
    "": True,
    "status=failed": True,
    "status=failed&status=completed&model=a": True,
    "error=e1": True,
    "q=status:failed model:a,b": True,
    "q=error_code:e1,e2 status:failed": True,
    f"from={datetime.fromtimestamp(NOW - 500, UTC):%Y-%m-%dT%H:%M:%SZ}": True,
    "q=created:>=2020-01-01 status:failed": True,
    "thread=t1": False,
    "assistant=nobody": False,
    "q=model:a OR status:failed": False,
    "q=-status:failed": False,
    "q=model:a*": False,
}


def random_run(rng: random.Random, number: int) -> dict[str, Any]:
    status = rng.choice(["completed", "completed", "failed", "queued", "of their own"])
    created = NOW + 100 * number
    ended = created + rng.randint(0, 500)
    error = {"code": rng.choice(["e1", "e2"]), "message": "x"} if status == "failed" else None
    tokens = rng.choice([None, rng.randint(1, 1000)])
    return run_object(
        created_at=created, started_at=None, status=status, last_error=error,
        model=rng.choice(["a", "b", None]), assistant_id=rng.choice(["x", "y"]),
        thread_id=rng.choice(["t1", "t2", "t3"]),
        completed_at=ended if status == "completed" else None,
        failed_at=ended if status == "failed" else None,
        usage=tokens and {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens},
    )  # fmt: skip


@pytest.fixture
def runs(project: Project) -> list[dict[str, Any]]:
    """Sixty runs of every kind, newest first; another project has one as well."""
    rng = random.Random(7)
    posted = [random_run(rng, number) for number in range(60)]
    factories.post(project, *posted)
    factories.post(factories.make_project("other"), run_object())
    return posted[::-1]


def fetch(project: Project, query: str) -> RunOverview:
    filters = RunFilters.parse_params(parse_qs(query))
    now = datetime.fromtimestamp(NOW + 6000, UTC)
    return fetch_run_overview(project, filters, filters.plan(project, now), FACETS, UTC)


def list_matches(project: Project, runs: list[dict[str, Any]], filters: RunFilters) -> list[dict[str, Any]]:
    """Return those of `runs` that match."""
    ids = set(filters.apply(Run.objects.in_project(project)).values_list("external_id", flat=True))
    return [run for run in runs if run["id"] in ids]


def sum_tokens(runs: list[dict[str, Any]]) -> int | None:
    used = [run["usage"]["total_tokens"] for run in runs if run["usage"]]
    return sum(used) if used else None


def percentile(ordered: list[int], percent: int) -> int | None:
    """Return the first of the sorted values that is not exceeded by so many percent."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


@pytest.mark.parametrize("limit", [10_000, 60, 59, 7, 1])
@pytest.mark.parametrize("query", QUERIES)
def test_totals_are_exact_or_of_newest_matches(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str, limit: int
) -> None:
    result = list_matches(project, runs, RunFilters.parse_params(parse_qs(query)))
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", limit)
    counted, capped = result[:limit], len(result) > limit
    durations = sorted(
        1000 * ((run["completed_at"] or run["failed_at"]) - run["created_at"])
        for run in counted
        if run["completed_at"] or run["failed_at"]
    )
    summed = capped and QUERIES[query]
    shown = result if summed else counted
    totals = fetch(project, query).totals
    assert totals.runs == len(shown)
    assert totals.failed == sum(run["status"] == "failed" for run in shown)
    assert (totals.tokens or 0) == (sum_tokens(shown) or 0)
    assert (totals.is_capped, totals.has_exact_sums, totals.sample_size) == (capped, summed, len(counted))
    assert (totals.p50_ms, totals.p95_ms) == (percentile(durations, 50), percentile(durations, 95))


@pytest.mark.parametrize("limit", [10_000, 60, 7])
@pytest.mark.parametrize("walked", [25_000, 6])
@pytest.mark.parametrize("query", QUERIES)
def test_first_ids_equal_first_page_of_list(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str, walked: int, limit: int
) -> None:
    filters = RunFilters.parse_params(parse_qs(query))
    for name, value in {
        "SAMPLE_SIZE": 3,
        "MIN_DENSE_MATCHES": 1,
        "MAX_SAMPLED_MATCHES": 3,
        "MAX_COUNT_SCAN": walked,
    }.items():
        monkeypatch.setattr(planner, name, value)
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", limit)
    for order in map(parse_order, RUN_SORTS):
        search = filters.plan(project, datetime.fromtimestamp(NOW + 6000, UTC))
        result = fetch_run_overview(project, filters, search, FACETS, UTC, order=order, first_count=5)
        listed = list(search.sort_runs(Run.objects.in_project(project), order).values_list("pk", flat=True)[:5])
        assert result.first_ids == listed or (result.first_ids is None and result.totals.is_capped)
        if order == NEWEST_FIRST and walked > len(runs):
            assert result.first_ids == listed


@pytest.mark.parametrize("limit", [10_000, 7])
@pytest.mark.parametrize("query", QUERIES)
def test_facets_ignore_their_own_filter(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str, limit: int
) -> None:
    filters = RunFilters.parse_params(parse_qs(query))
    left = {name: list_matches(project, runs, filters.without(name)) for name in FACETS}
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", limit)
    facets = fetch(project, query).facets
    assert tuple(facets) == FACETS
    for name, facet in facets.items():
        counted = left[name][:limit] if facet.is_capped else left[name]
        values = [(run["last_error"] or {}).get("code") if name == "error" else run[FIELDS[name]] for run in counted]
        assert dict(facet.counts) == Counter(value for value in values if value is not None)
        assert list(facet.counts) == sorted(facet.counts, key=lambda pair: (-pair[1], pair[0]))
        assert facet.max_count == max(dict(facet.counts).values(), default=0)
        assert facet.field.name == name
        if facet.is_capped:
            assert (len(left[name]) > limit, facet.sample_size) == (True, limit)


@pytest.mark.parametrize("query", ["", "status=failed", "q=model:a"])
def test_facets_from_rollups_are_never_capped(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 7)
    facets = fetch(project, query).facets
    assert [facets[name].is_capped for name in ("status", "model", "error")] == [False, False, False]


def test_sparse_matches_are_counted_within_scan_limit(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SAMPLE_SIZE": 10,
        "MIN_DENSE_MATCHES": 1,
        "MAX_SAMPLED_MATCHES": 20,
        "MAX_COUNT_SCAN": 20,
    }.items():
        monkeypatch.setattr(planner, name, value)
    query = "q=-status:failed"
    met = [run for run in runs[:21] if run["status"] != "failed"]
    totals = fetch(project, query).totals
    assert (totals.runs, totals.is_capped, totals.sample_size) == (len(met), True, len(met))
    monkeypatch.setattr(planner, "MAX_COUNT_SCAN", 60)
    assert not fetch(project, query).totals.is_capped


def test_project_without_runs_has_empty_totals(project: Project) -> None:
    result = fetch(project, "")
    assert result.totals == RunTotals(0, False, 0, None, None, None, None, 0, 0)
    facet = result.facets["status"]
    assert (facet.counts, facet.is_capped, facet.max_count) == ((), False, 0)
    assert result.histogram is None


def test_token_sums_may_exceed_bigint(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 2**62}
    factories.post(project, *(run_object(usage=usage) for _ in range(3)))
    assert fetch(project, "").totals.tokens == 3 * 2**62
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 1)
    assert fetch(project, "").totals.tokens == 3 * 2**62


def test_overview_takes_few_queries(
    project: Project, runs: list[dict[str, Any]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # one more for each field that is filtered, whose facet leaves it aside, and a look where two are
    for query, expected in (("", 1), ("status=failed", 2), ("status=failed&model=a", 4), ("thread=t1", 1)):
        with django_assert_num_queries(expected):
            fetch(project, query)


def test_plan_samples_runs_once(project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 10)
    filters = RunFilters.parse_params({"q": ["total_tokens:>0 duration:>0s"]})
    search = filters.plan(project)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            fetch_run_overview(project, filters, search, FACETS, UTC)
            list(search.sort_runs(Run.objects.in_project(project), NEWEST_FIRST)[:5])
    looks = [query for query in queries if query["sql"].startswith("SELECT COUNT(*)")]
    assert len(looks) == 1
