"""The planner is sent one way or the other, and the runs are the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.filters import Query, RunFilters, density
from runs.models import Project, Run
from tests.runs.filters import dataset
from tests.runs.filters.test_conditions import FOUND, MORE, found

LOOKS_RARE, LOOKS_EVEN = "num_nulls", "CASE WHEN"


@pytest.fixture
def filled(project: Project) -> Project:
    dataset.fill(project)
    return project


def statements(project: Project, text: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        list(Run.objects.in_project(project).matching(RunFilters(q=Query.parse(text))).newest_first()[:1])
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(("looked_at", "dense"), [(0, 2), (0, 1)])
def test_the_same_runs_are_found_either_way(filled: Project, monkeypatch: Any, looked_at: int, dense: int) -> None:
    monkeypatch.setattr(density, "LOOKED_AT", looked_at)
    monkeypatch.setattr(density, "DENSE", dense)
    for text, expected in (FOUND | MORE).items():
        assert found(filled, text) == expected, text


def test_what_the_newest_runs_have_is_met_walking(filled: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(density, "LOOKED_AT", 5)
    monkeypatch.setattr(density, "DENSE", 1)
    assert LOOKS_EVEN in statements(filled, "metadata.customer:globex")[-1]


def test_what_only_old_runs_have_is_gathered(filled: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(density, "LOOKED_AT", 2)
    monkeypatch.setattr(density, "DENSE", 1)
    for text in ("metadata.customer:acme", "weather", "function:get_weather", "status:failed model:o3 total_tokens:*"):
        assert LOOKS_RARE in statements(filled, text)[-1]


@pytest.mark.parametrize("text", ["status:failed", "model:o3 created:-7d", "error:*", "reason:*"])
def test_what_has_an_order_of_its_own_costs_no_look(filled: Project, text: str) -> None:
    (statement,) = statements(filled, text)
    assert LOOKS_RARE not in statement
    assert LOOKS_EVEN not in statement
