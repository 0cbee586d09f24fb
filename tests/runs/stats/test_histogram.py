"""The histogram against counting by hand, from the sums of each hour and from the runs themselves."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.filters import RunFilters
from runs.models import Project
from runs.stats import newest, overview
from runs.stats.histogram import Histogram, exactly, histogram
from tests import factories

START = datetime(2026, 11, 1, 7, 20, tzinfo=UTC)
NOW = START + timedelta(days=2)
STATUSES = ("completed", "completed", "failed", "of their own")
Made = list[tuple[datetime, str, int]]


@pytest.fixture
def made(project: Project) -> Made:
    """Eighty runs over two days, newest first, with when, status and tokens; another project has one too."""
    chance = random.Random(5)
    runs = [
        (START + timedelta(seconds=chance.randrange(2 * 86_400)), chance.choice(STATUSES), chance.randrange(99))
        for _ in range(80)
    ]
    factories.post(project, *(_object(*run) for run in runs))
    factories.post(factories.make_project("other"), _object(START, "failed", 7))
    return sorted(runs, reverse=True)


def _object(time: datetime, status: str, tokens: int) -> dict[str, object]:
    at = int(time.timestamp())
    usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
    return factories.run_object(created_at=at, started_at=at, completed_at=at, status=status, usage=usage)


@pytest.fixture
def counts_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (newest, overview):
        monkeypatch.setattr(module, "MOST_COUNTED", 7)


def drawn(project: Project, query: str) -> Histogram:
    filters = RunFilters.from_query(parse_qs(query))
    found = histogram(project, filters, overview.totals(project, filters), NOW)
    assert found is not None
    return found


def by_hand(found: Histogram, runs: Made) -> tuple[Counter[str], ...]:
    bars: tuple[Counter[str], ...] = tuple(Counter() for _ in range(found.span.count))
    for time, status, _ in runs:
        bars[(time - found.span.start) // found.span.step][status] += 1
    return bars


def matching(runs: Made, query: str) -> Made:
    asked = parse_qs(query)
    since, until = (datetime.fromisoformat(asked.get(name, [other])[0]) for name, other in
                    (("from", "2000-01-01T00:00Z"), ("to", "2100-01-01T00:00Z")))  # fmt: skip
    return [run for run in runs if since <= run[0] < until and run[1] in asked.get("status", STATUSES)]


QUERIES = [
    "",
    "status=failed",
    "from=2026-11-01T10:10:00Z",
    "to=2026-11-02T23:30:00Z",
    "from=2026-11-01T10:10:00Z&to=2026-11-02T23:30:00Z&status=completed",
]


@pytest.mark.parametrize("query", QUERIES)
def test_few_matches_are_counted_one_by_one(project: Project, made: Made, query: str) -> None:
    found = drawn(project, query)
    assert found.bars == by_hand(found, matching(made, query))
    assert (found.since, found.sums) == (None, None)


@pytest.mark.parametrize("query", QUERIES)
def test_many_matches_are_exact_where_the_sums_know_them(
    project: Project, made: Made, counts_seven: None, query: str
) -> None:
    found = drawn(project, query)
    expected = matching(made, query)
    assert found.bars == by_hand(found, expected)
    assert found.since is None
    assert found.sums is not None
    filters = RunFilters.from_query(parse_qs(query))
    totals = exactly(overview.totals(project, filters), filters, found.sums)
    assert (totals.runs, totals.summed, totals.capped) == (len(expected), True, True)
    assert totals.failed == sum(status == "failed" for _, status, _ in expected)
    assert totals.tokens == sum(tokens for _, _, tokens in expected)
    # completion tokens of gpt-4o-mini, in nano-dollars
    assert (totals.cost, totals.unpriced_tokens) == (600 * totals.tokens, 0)


@pytest.mark.parametrize("query", ["model=gpt-4o-mini", "q=status:completed,failed", "from=2026-11-02T20:30:00Z"])
def test_what_no_sum_knows_is_about_the_newest_alone(
    project: Project, made: Made, counts_seven: None, query: str
) -> None:
    found = drawn(project, query)
    allowed = ("completed", "failed") if query.startswith("q") else STATUSES
    counted = [run for run in matching(made, query) if run[1] in allowed][:7]
    assert found.bars == by_hand(found, counted)
    assert found.since == counted[-1][0]
    assert found.sums is None


def test_where_nothing_matches_nothing_is_drawn(project: Project) -> None:
    filters = RunFilters()
    assert histogram(project, filters, overview.totals(project, filters), NOW) is None


def test_it_costs_one_query_or_two(
    project: Project, made: Made, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    filters = RunFilters()
    totals = overview.totals(project, filters)
    with django_assert_num_queries(1):
        histogram(project, filters, totals, NOW)
    monkeypatch.setattr(overview, "MOST_COUNTED", 7)
    totals = overview.totals(project, filters)
    # the first hour; the sums
    with django_assert_num_queries(2):
        histogram(project, filters, totals, NOW)
