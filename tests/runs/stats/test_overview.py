"""Totals and facets against counting by hand."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.filters import RunFilters
from runs.models import Project
from runs.stats import overview
from runs.stats.overview import Totals, facets, totals
from tests import factories
from tests.factories import NOW, run_object

FIELDS = {"status": "status", "model": "model", "assistant": "assistant_id", "thread": "thread_id"}
PRICED, NANO = "gpt-4o-mini", 600  # nano-dollars for a completion token
QUERIES = [
    "",
    "status=failed",
    "status=failed&status=completed&model=a",
    "thread=t1",
    "assistant=nobody",
    "error=e1",
]


def some_run(chance: random.Random, number: int) -> dict[str, Any]:
    status = chance.choice(["completed", "completed", "failed", "queued", "of their own"])
    created = NOW + number
    ended = created + chance.randint(0, 500)
    error = {"code": chance.choice(["e1", "e2"]), "message": "x"} if status == "failed" else None
    tokens = chance.choice([None, chance.randint(1, 1000)])
    return run_object(
        created_at=created, started_at=None, status=status, last_error=error,
        model=chance.choice(["a", PRICED, None]), assistant_id=chance.choice(["x", "y"]),
        thread_id=chance.choice(["t1", "t2", "t3"]),
        completed_at=ended if status == "completed" else None,
        failed_at=ended if status == "failed" else None,
        usage=tokens and {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens},
    )  # fmt: skip


@pytest.fixture
def runs(project: Project) -> list[dict[str, Any]]:
    """Sixty runs of every kind, newest first; another project has one too."""
    chance = random.Random(7)
    made = [some_run(chance, number) for number in range(60)]
    factories.post(project, *made)
    factories.post(factories.make_project("other"), run_object())
    return made[::-1]


def of(query: str) -> RunFilters:
    return RunFilters.from_query(parse_qs(query))


def matches(run: dict[str, Any], query: str) -> bool:
    asked = parse_qs(query)
    code = (run["last_error"] or {}).get("code")
    given = {name: run[field] for name, field in FIELDS.items()} | {"error": code}
    return all(given[name] in values for name, values in asked.items())


def by_hand(runs: list[dict[str, Any]], query: str, most: int) -> Totals:
    found = [run for run in runs if matches(run, query)]
    counted = found[:most]
    durations = sorted(
        1000 * ((run["completed_at"] or run["failed_at"]) - run["created_at"])
        for run in counted
        if run["completed_at"] or run["failed_at"]
    )
    tokens = [run["usage"]["total_tokens"] for run in counted if run["usage"]]
    priced, unpriced = (
        [run["usage"]["total_tokens"] for run in counted if run["usage"] and (run["model"] == PRICED) is wanted]
        for wanted in (True, False)
    )
    failed = sum(run["status"] == "failed" for run in counted)
    return Totals(
        len(counted), len(found) > most, failed,
        _share(durations, 50), _share(durations, 95), sum(tokens) if tokens else None,
        sum(priced) * NANO if priced else None, sum(unpriced),
        *((moment(counted[-1]), moment(found[0])) if counted else (None, None)),
    )  # fmt: skip


def moment(run: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(run["created_at"], UTC)


def _share(ordered: list[int], percent: int) -> int | None:
    """The first value that at least so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


@pytest.mark.parametrize("most", [10_000, 60, 59, 7, 1])
@pytest.mark.parametrize("query", QUERIES)
def test_totals_are_those_of_the_newest_matches(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str, most: int
) -> None:
    monkeypatch.setattr(overview, "MOST_COUNTED", most)
    assert totals(project, of(query)) == by_hand(runs, query, most)


@pytest.mark.parametrize("most", [10_000, 7])
@pytest.mark.parametrize("query", QUERIES)
def test_facets_count_the_matches_with_their_own_filter_left_aside(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, query: str, most: int
) -> None:
    monkeypatch.setattr(overview, "MOST_COUNTED", most)
    found = facets(project, of(query), tuple(FIELDS))
    assert list(found) == ["status", "model", "assistant", "thread"]
    for name, facet in found.items():
        others = of(query).without(name).query()
        left = [run for run in runs if matches(run, others)]
        expected = Counter(run[FIELDS[name]] for run in left[:most] if run[FIELDS[name]] is not None)
        assert dict(facet.counts) == expected
        assert list(facet.counts) == sorted(facet.counts, key=lambda pair: (-pair[1], pair[0]))
        assert facet.capped == (len(left) > most)
        assert facet.most == max(expected.values(), default=0)
        assert facet.field.name == name


def test_a_project_without_runs_has_no_numbers(project: Project) -> None:
    assert totals(project, RunFilters()) == Totals(0, False, 0, None, None, None, None, 0, None, None)
    facet = facets(project, RunFilters(), ("status",))["status"]
    assert (facet.counts, facet.capped, facet.most) == ((), False, 0)


def test_sums_may_be_larger_than_a_bigint(project: Project) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 2**62}
    factories.post(project, *(run_object(usage=usage) for _ in range(3)))
    assert totals(project, RunFilters()).tokens == 3 * 2**62


def test_the_number_of_queries_depends_on_the_filters_alone(
    project: Project, runs: list[dict[str, Any]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for query, expected in (("", 1), ("status=failed", 2), ("status=failed&model=a", 3), ("thread=t1", 1)):
        with django_assert_num_queries(expected):
            facets(project, of(query), ("status", "model", "assistant"))
    with django_assert_num_queries(1):
        totals(project, of("status=failed"))
