"""Sums that are read from rollups equal a recount of the runs, between any times."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.models import Project, Run
from runs.query import Query, RunFilters, TimeExpression
from runs.rollups import reader
from runs.rollups.rollup_query import RollupQuery
from runs.rollups.time_buckets import HOUR, build_time_buckets
from tests import factories

START = datetime(2026, 5, 1, tzinfo=UTC)
NOW = START + timedelta(days=4)
COLUMNS = {"status": "status", "model": "model", "assistant": "assistant_id", "error": "error_code"}


@pytest.fixture
def runs(project: Project) -> list[Run]:
    """A hundred runs over three days, many of them at full hours and midnights; another project has one as well."""
    rng = random.Random(3)
    posted = []
    for number in range(100):
        created = START + timedelta(minutes=rng.choice([60 * rng.randrange(72), rng.randrange(3 * 24 * 60)]))
        make_run = rng.choice([factories.run_object, factories.failed_run])
        assistant_id, model = rng.choice(["asst_a", "asst_b"]), rng.choice(["gpt-4o", "our-own", None])
        posted.append(
            make_run(id=f"run_{number}", created_at=int(created.timestamp()), assistant_id=assistant_id, model=model)
        )
    factories.post(project, *posted)
    factories.post(factories.make_project("other"), posted[0])
    return list(Run.objects.in_project(project))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-05-{text}+00:00")


def select(runs: list[Run], query: RollupQuery) -> list[Run]:
    return [
        run
        for run in runs
        if (query.since is None or run.created_at >= query.since)
        and (query.until is None or run.created_at < query.until)
        and all(getattr(run, COLUMNS[name]) in values for name, values in query.values.items())
    ]


QUERIES = [
    RollupQuery(),
    RollupQuery({"status": frozenset(["failed"])}),
    RollupQuery({"status": frozenset(["failed"]), "model": frozenset(["gpt-4o"])}),
    RollupQuery({"assistant": frozenset(["asst_a"])}),
    RollupQuery(since=at("01T07:20")),
    RollupQuery(until=at("02T23:59")),
    RollupQuery(since=at("01T07:20"), until=at("03T00:00")),
    RollupQuery(since=at("01T07:10"), until=at("01T07:50")),
    RollupQuery({"status": frozenset(["failed"])}, since=at("01T12:30"), until=at("02T12:30")),
    RollupQuery(since=at("03T00:00"), until=at("01T00:00")),
    RollupQuery(until=datetime.max.replace(tzinfo=UTC) - timedelta(minutes=1)),
]


@pytest.mark.parametrize("query", QUERIES)
def test_sums_by_field_equal_recount(project: Project, runs: list[Run], query: RollupQuery) -> None:
    matches = select(runs, query)
    answered = 0
    for field, column in COLUMNS.items():
        sums = reader.sum_runs_by_field(project, query, field)
        if sums is None:
            continue
        answered += 1
        assert {value: each.runs for value, each in sums.items()} == Counter(getattr(run, column) for run in matches)
        for value, each in sums.items():
            of_value = [run for run in matches if getattr(run, column) == value]
            assert each.tokens == sum(run.total_tokens or 0 for run in of_value)
            assert each.cost == sum(run.cost or 0 for run in of_value)
            assert each.unpriced_tokens == sum(run.total_tokens or 0 for run in of_value if run.cost is None)
    assert answered
    assert reader.count_runs(project, query) in (None, len(matches))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (RollupQuery({"assistant": frozenset(["asst_a"])}), "status"),
        (RollupQuery({"model": frozenset(["gpt-4o"])}, since=START), "status"),
        (RollupQuery(since=START), "error"),
    ],
)
def test_unanswerable_query_gives_none(project: Project, query: RollupQuery, field: str) -> None:
    assert reader.sum_runs_by_field(project, query, field) is None


@pytest.mark.parametrize("query", QUERIES)
def test_buckets_include_all_matches(project: Project, runs: list[Run], query: RollupQuery) -> None:
    buckets = build_time_buckets(at("01T12:00"), at("02T12:00"), min_step=HOUR)
    rows = reader.count_runs_by_status(project, query, buckets)
    if rows is None:
        assert query.values.keys() - {"status"}
        return
    expected: Counter[tuple[int, str]] = Counter()
    for run in select(runs, query):
        index = sum(edge <= run.created_at for edge in buckets.edges) - 1
        expected[buckets.clamp(index), run.status] += 1
    assert {(bucket, status): count for bucket, status, count in rows} == expected


def test_extent_spans_whole_hours(project: Project, runs: list[Run]) -> None:
    extent = reader.fetch_run_extent(project)
    assert extent is not None
    times = [run.created_at for run in runs]
    assert extent[0] <= min(times) < extent[0] + HOUR
    assert extent[1] - HOUR <= max(times) < extent[1]
    assert reader.fetch_run_extent(factories.make_project("empty")) is None


def test_sums_take_one_query(project: Project, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        reader.sum_runs_by_field(project, RollupQuery(since=at("01T07:20")), "model")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (RunFilters(), RollupQuery()),
        (RunFilters(status=("failed",), since=TimeExpression("-1d")),
         RollupQuery({"status": frozenset(["failed"])}, since=NOW - timedelta(days=1))),
        (RunFilters(q=Query.parse("status:failed error_code:x")),
         RollupQuery({"status": frozenset(["failed"]), "error": frozenset(["x"])})),
        (RunFilters(status=("failed", "expired"), q=Query.parse("status:failed,completed")),
         RollupQuery({"status": frozenset(["failed"])})),
        (RunFilters(since=TimeExpression("-1d"), q=Query.parse("created:>=2026-05-04T12:00:00Z")),
         RollupQuery(since=at("04T12:00"))),
        (RunFilters(thread=("thread_1",)), None),
        (RunFilters(q=Query.parse("-status:failed")), None),
        (RunFilters(q=Query.parse("status:failed OR model:x")), None),
        (RunFilters(q=Query.parse("model:gpt*")), None),
        (RunFilters(q=Query.parse("total_tokens:>5")), None),
    ],
)  # fmt: skip
def test_query_asks_the_same_as_filters(filters: RunFilters, expected: RollupQuery | None) -> None:
    assert RollupQuery.from_filters(filters, NOW) == expected
