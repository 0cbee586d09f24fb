"""The planner is sent one way or the other, and the runs are the same."""

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
from tests.runs.filters import dataset
from tests.runs.filters.test_conditions import FOUND, MORE, found

LOOKS_RARE, LOOKS_EVEN = "num_nulls", "THEN true ELSE false"
LONGEST = Order("duration")


@pytest.fixture
def filled(project: Project) -> Project:
    dataset.fill(project)
    return project


@pytest.fixture
def looks(monkeypatch: Any) -> None:
    """Looks at so few runs that the data set is more."""
    for name, value in {"SAMPLE_SIZE": 1, "MIN_DENSE_MATCHES": 1, "MAX_SAMPLED_MATCHES": 3}.items():
        monkeypatch.setattr(planner, name, value)


def statements(project: Project, text: str, order: Order = NEWEST_FIRST) -> list[str]:
    search = RunFilters(q=Query.parse(text)).plan(project)
    with CaptureQueriesContext(connection) as queries:
        list(search.sort_runs(Run.objects.in_project(project), order)[:1])
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(("looked_at", "dense"), [(0, 2), (0, 1)])
def test_the_same_runs_are_found_either_way(filled: Project, monkeypatch: Any, looked_at: int, dense: int) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", looked_at)
    monkeypatch.setattr(planner, "MIN_DENSE_MATCHES", dense)
    for text, expected in (FOUND | MORE).items():
        assert found(filled, text) == expected, text


@pytest.mark.parametrize("walked", [1, 40_000])
@pytest.mark.parametrize("by", ["created", "duration", "tokens", "cost"])
def test_they_are_in_every_order_and_where_they_are_counted(
    filled: Project, looks: None, monkeypatch: Any, by: str, walked: int
) -> None:
    monkeypatch.setattr(planner, "MAX_COUNT_SCAN", walked)
    for text, expected in (FOUND | MORE).items():
        search = RunFilters(q=Query.parse(text)).plan(filled, dataset.NOW)
        runs = Run.objects.in_project(filled)
        for order in (Order(by), Order(by, descending=False)):
            ids = {run.external_id.removeprefix("run_") for run in search.sort_runs(runs, order)}
            assert ids == expected, (text, order)
        condition, bounded = search.build_count_condition()
        counted = {run.external_id.removeprefix("run_") for run in runs.filter(condition)}
        assert counted == expected or (bounded and counted < expected), text


@pytest.mark.usefixtures("looks")
def test_what_the_newest_runs_have_is_met_walking(filled: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 5)
    assert LOOKS_EVEN in statements(filled, "metadata.customer:globex")[-1]


@pytest.mark.usefixtures("looks")
def test_what_only_old_runs_have_is_gathered(filled: Project) -> None:
    for text in ("weather", "function:get_weather", "status:failed model:o3 total_tokens:*"):
        assert LOOKS_RARE in statements(filled, text)[-1]


@pytest.mark.usefixtures("looks")
def test_in_another_order_the_shorter_of_two_ways_is_gone(filled: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(planner, "PLANNED_PAGE_SIZE", 1)
    monkeypatch.setattr(planner, "MAX_CHEAP_SCAN", 2)
    assert LOOKS_EVEN in statements(filled, "duration:>1s status:failed", LONGEST)[-1]
    # nothing leads to what is negated
    assert LOOKS_EVEN in statements(filled, "-status:failed", LONGEST)[-1]
    monkeypatch.setattr(planner, "PLANNED_PAGE_SIZE", 1000)
    assert LOOKS_RARE in statements(filled, "thread:thread_plain", LONGEST)[-1]
    # two runs are of that time, and so is what is read
    assert LOOKS_RARE in statements(filled, "created:>=2026-05-10", LONGEST)[-1]


@pytest.mark.parametrize("text", ["status:failed", "model:o3 created:-7d", "error:rate_limit_exceeded", "awaiting:*"])
def test_what_has_an_order_of_its_own_costs_no_look(filled: Project, text: str) -> None:
    (statement,) = statements(filled, text)
    assert LOOKS_RARE not in statement
    assert LOOKS_EVEN not in statement


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(("field", "status"), [("started", "failed"), ("ended", "failed"), ("ended", "completed")])
def test_a_walk_begins_where_runs_were_created_that_started_or_ended_early(
    project: Project, field: str, status: str
) -> None:
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
    assert found(project, text) == {"0", "1", "2", "3"}
    assert '"run"."created_at" <= ' in statements(project, text)[-1]
    factories.post_run(project, **{"id": "run_odd", "created_at": NOW + 9, "started_at": NOW} | ended | {name: NOW})
    assert found(project, text) == {"0", "1", "2", "3", "odd"}
    assert '"run"."created_at" <= ' not in statements(project, text)[-1]


@pytest.fixture
def alike(project: Project, looks: None, monkeypatch: Any) -> Project:
    """Twelve completed runs, six of them on one model, of which few may be read."""
    factories.post(project, *(run_object(created_at=NOW + 9 * n, model="one" if n % 2 else "other") for n in range(12)))
    for name, value in {
        "SAMPLE_SIZE": 4,
        "MAX_SAMPLED_MATCHES": 100,
        "MAX_COUNT_SCAN": 2,
        "MAX_SLOW_COUNT_SCAN": 1,
    }.items():
        monkeypatch.setattr(planner, name, value)
    return project


def test_a_walk_is_through_those_of_one_part_of_a_question(alike: Project) -> None:
    *_, look, page = statements(alike, "total_tokens:* status:completed model:one")
    for statement in (look, page):
        before = statement.partition("CASE")[0]
        assert '"run"."model" IN (\'one\')' in before
        assert '"run"."status"' not in before.partition("WHERE")[2]
    assert LOOKS_EVEN in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [("total_tokens:* model:one", 3), ("-thread:none -function:* model:one", 2), ("-error:* -reason:*", 3)],
)
def test_numbers_are_of_as_many_runs_as_may_be_read(alike: Project, text: str, expected: int) -> None:
    condition, bounded = RunFilters(q=Query.parse(text)).plan(alike, dataset.NOW).build_count_condition()
    assert bounded
    assert Run.objects.in_project(alike).filter(condition).count() == expected
