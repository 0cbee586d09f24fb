"""Percentiles of latency equal those of the sorted runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics.usage import LatencyPercentiles, UsageQuery, latency
from runs.analytics.usage.latency import LatencyStats, fetch_latency
from runs.models import Project, Run
from runs.query import Query, RunFilters
from tests import factories
from tests.runs.analytics.usage.seeded_project import NOW, Posted, seed


def question(query: str = "") -> UsageQuery:
    return UsageQuery.parse_params(parse_qs(query), ZoneInfo("Asia/Kolkata"), NOW)


def percentile(values: Sequence[int], share: float) -> int | None:
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else None


def percentiles(values: Sequence[int]) -> LatencyPercentiles:
    result = [percentile(values, share) for share in (0.5, 0.75, 0.9, 0.95, 0.99)]
    return LatencyPercentiles(*result, max(values, default=None))


def ended(runs: Sequence[Posted], requested: UsageQuery) -> list[Posted]:
    result = [run for run in runs if requested.since <= run.at < requested.until and run.ended_at]
    return sorted(result, key=lambda run: run.at, reverse=True)


def by_hand(assistant: str | None, runs: Sequence[Posted]) -> LatencyStats:
    durations = [round((run.ended_at - run.at).total_seconds() * 1000) for run in runs if run.ended_at]
    # none has steps, so that a run with functions may have had earlier turns
    started = [run for run in runs if run.started_at and not run.has_functions]
    queues = [round((run.started_at - run.at).total_seconds() * 1000) for run in started if run.started_at]
    return LatencyStats(assistant, len(runs), percentiles(durations), percentiles(queues))


@pytest.mark.parametrize("query", ["", "range=7d", "status=failed", "q=metadata.customer:acme"])
def test_percentiles_equal_those_of_ended_runs(project: Project, query: str) -> None:
    requested, posted = question(query), seed(project)
    tests = {
        "status=failed": lambda run: run.status == "failed",
        "q=metadata.customer:acme": lambda run: run.metadata.get("customer") == "acme",
    }
    runs = [run for run in ended(posted, requested) if tests.get(query, lambda _: True)(run)]
    result = fetch_latency(project, requested)
    assert result is not None
    assert result.overall == by_hand(None, runs)
    assert {paces.assistant_id: paces for paces in result.assistants} == {
        name: by_hand(name, [run for run in runs if run.assistant == name]) for name in {run.assistant for run in runs}
    }
    counts = [paces.runs for paces in result.assistants]
    assert counts == sorted(counts, reverse=True)
    assert result.median_tokens == percentile([run.usage["total_tokens"] for run in runs if run.usage], 0.5)
    assert result.median_cost == percentile([run.cost for run in runs if run.cost is not None], 0.5)
    assert result.counted_since is None


def test_capped_latency_says_where_it_begins(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(latency, "MAX_LATENCY_RUNS", 12)
    requested, runs = question(), seed(project)
    newest = ended(runs, requested)[:12]
    with django_assert_num_queries(1):
        result = fetch_latency(project, requested)
    assert result is not None
    assert (result.overall.runs, result.counted_since) == (12, newest[-1].at)


def test_no_ended_run_gives_no_latency(project: Project) -> None:
    assert fetch_latency(project, question()) is None


FUNCTION = {"tools": [factories.function_tool("issue_refund")]}


@pytest.mark.parametrize(
    ("changes", "states", "step_at", "expected_ms"),
    [
        ({"tools": []}, [], None, 11_000),
        (FUNCTION, [], None, None),
        (FUNCTION, [{"status": "queued", "started_at": None}], None, 11_000),
        (FUNCTION, [{"status": "in_progress", "started_at": 2}], None, None),
        (FUNCTION, [{"status": "queued", "started_at": None}, {"status": "in_progress", "started_at": 2}], None, None),
        (FUNCTION, [], 3, 3_000),
        (FUNCTION, [], 12, 11_000),
    ],
    ids=["no functions", "last turn only", "seen in queue", "seen started", "seen moved", "earlier step", "later step"],
)
def test_queue_time_ends_at_the_first_start(
    project: Project,
    changes: dict[str, Any],
    states: list[dict[str, Any]],
    step_at: int | None,
    expected_ms: int | None,
) -> None:
    created = int(NOW.timestamp()) - 3600
    ended = factories.run_object(created_at=created, started_at=created + 11, completed_at=created + 12, **changes)
    for state in states:
        start = state["started_at"]
        active = {"completed_at": None, "usage": None, "started_at": None if start is None else created + start}
        factories.post(project, ended | active | {"status": state["status"]})
    factories.post(project, ended)
    if step_at is not None:
        call = factories.function_call("issue_refund")
        factories.post_steps(project, factories.step_object(ended, call, created_at=created + step_at))
    result = fetch_latency(project, question())
    assert result is not None
    assert (result.overall.runs, result.overall.queue.p95) == (1, expected_ms)
    # the list finds the run by the same time
    terms = {"*": True, "3s": 3_000, "11s": 11_000}
    found = [term for term in terms if RunFilters(q=Query.parse(f"queue:{term}")).apply(Run.objects.all()).exists()]
    assert found == [term for term, value in terms.items() if expected_ms and value in (True, expected_ms)]
