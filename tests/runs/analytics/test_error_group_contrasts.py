"""Contrasts of error groups: counts, matching by assistant, and significance."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.analytics import error_group_contrasts, errors
from runs.analytics.error_group_contrasts import ErrorGroupContrast, RunAttribute
from runs.models import Project, Run
from runs.query import RunFilters, TimeExpression
from tests import factories

NOW = datetime.fromtimestamp(factories.NOW, UTC)
ASKED = RunFilters(since=TimeExpression("-14d"))
DAY = 86_400


def bad(number: int, **changes: Any) -> dict[str, Any]:
    created = factories.NOW - 3600 - number
    base = {"id": f"run_bad{number}", "created_at": created, "failed_at": created + 1, "metadata": {}}
    return factories.failed_run("code", "Boom", **base | changes)


def good(number: int, **changes: Any) -> dict[str, Any]:
    created = factories.NOW - 7200 - number
    base = {"id": f"run_good{number}", "created_at": created, "completed_at": created + 1, "metadata": {}}
    return factories.run_object(**base | changes)


def compared(project: Project, requested: RunFilters = ASKED) -> ErrorGroupContrast:
    group = Run.objects.in_project(project).filter(error_code="code").values_list("error_group", flat=True)[0]
    assert group is not None
    return error_group_contrasts.contrast_error_group(
        project, group, requested, errors.resolve_error_time_range(project, requested, NOW), NOW
    )


def counts(result: ErrorGroupContrast) -> dict[RunAttribute, tuple[int, int, int, int]]:
    return {item.attribute: (item.runs, item.total, item.other_runs, item.other_total) for item in result.contrasts}


def test_more_frequent_attributes_are_reported_with_counts(project: Project) -> None:
    tools = [factories.function_tool("search_orders"), factories.function_tool("refund"), {"type": "file_search"}]
    runs = [bad(number, model="gpt-4o", tools=tools, metadata={"release": "b", "try": 1}) for number in range(30)]
    rest = [good(number, metadata={"release": "a"}) for number in range(37)]
    rest += [good(100 + number, model="gpt-4o", metadata={"release": "b"}) for number in range(3)]
    assert not factories.post(project, *runs, *rest).errors
    steps = [factories.step_object(run, factories.function_call("refund")) for run in runs[:25]]
    assert not factories.post_steps(project, *steps).errors
    configuration = Run.objects.get(external_id="run_bad0").configuration_id
    result = compared(project)
    assert (result.runs, result.other_runs, result.assistants, result.is_capped) == (30, 40, ("asst_concierge",), False)
    assert counts(result) == {
        RunAttribute("model", "gpt-4o"): (30, 30, 3, 40),
        RunAttribute("configuration", configuration.hex): (30, 30, 0, 40),
        RunAttribute("tool", "refund"): (30, 30, 0, 40),
        RunAttribute("tool", "file_search"): (30, 30, 0, 40),
        RunAttribute("function", "refund"): (25, 30, 0, 40),
        RunAttribute("metadata", "b", "release"): (30, 30, 3, 40),
        RunAttribute("metadata", "1", "try"): (30, 30, 0, 40),
        RunAttribute("metadata", None, "try"): (30, 30, 0, 40),
    }
    assert all(item.is_significant for item in result.contrasts)
    assert [item.difference for item in result.contrasts] == sorted(
        (item.difference for item in result.contrasts), reverse=True
    )


def test_shared_attributes_are_not_reported(project: Project) -> None:
    assert not factories.post(project, *map(bad, range(30)), *map(good, range(30))).errors
    assert compared(project).contrasts == ()


def test_missing_attribute_is_reported_unless_explained(project: Project) -> None:
    rest = [good(number, metadata={"checked": "yes"}) for number in range(30)]
    assert not factories.post(project, *map(bad, range(30)), *rest).errors
    assert counts(compared(project)) == {
        RunAttribute("metadata", None, "checked"): (0, 30, 30, 30),
        RunAttribute("metadata", "yes", "checked"): (0, 30, 30, 30),
    }


def test_few_runs_are_not_significant(project: Project) -> None:
    runs = [bad(number, metadata={"n": str(number)}) for number in range(2)]
    rest = [good(number, metadata={"n": str(number)}) for number in range(60)]
    assert not factories.post(project, *runs, *rest).errors
    result = compared(project)
    assert result.is_small_sample
    assert result.contrasts == ()
    third = [bad(number, metadata={"n": "x"}) for number in range(10, 13)]
    assert not factories.post(project, *third).errors
    (listed,) = compared(project).contrasts
    assert (listed.attribute, listed.runs, listed.total) == (RunAttribute("metadata", "x", "n"), 3, 5)


def test_others_are_completed_and_of_same_assistants(project: Project) -> None:
    others = [
        good(1, assistant_id="asst_other"),
        good(2, created_at=factories.NOW - 20 * DAY),
        good(3, status="cancelled"),
        good(4),
    ]
    assert not factories.post(project, bad(1), *others).errors
    assert compared(project).other_runs == 1
    until = RunFilters(since=TimeExpression("-14d"), until=TimeExpression.parse("2026-11-18T09:00:00Z"))
    assert not factories.post(project, bad(2, created_at=factories.NOW - 3 * 3600)).errors
    assert (compared(project, until).runs, compared(project, until).other_runs) == (1, 0)
    assert compared(project, until).contrasts == ()


def test_sides_are_matched_by_assistant(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_group_contrasts, "MAX_CONTRASTED_RUNS", 20)
    runs = [bad(number, assistant_id="asst_a" if number % 4 else "asst_b") for number in range(40)]
    rest = [good(number, assistant_id="asst_b", model="b") for number in range(40)]
    rest += [good(100 + number, assistant_id="asst_a", model="a") for number in range(40)]
    assert not factories.post(project, *runs, *rest).errors
    result = compared(project)
    assert (result.runs, result.other_runs, result.is_capped) == (20, 20, True)
    assert counts(result)[RunAttribute("model", "gpt-4o-mini")] == (20, 20, 0, 20)
    group = Run.objects.get(external_id="run_bad0").error_group_id
    assert group is not None
    read = error_group_contrasts._fetch_completed(
        project, {"asst_a": 15, "asst_b": 5}, ASKED, errors.resolve_error_time_range(project, ASKED, NOW)
    )
    assert sorted(item.model or "" for item in read) == ["a"] * 15 + ["b"] * 5


def test_odd_metadata_is_ignored(project: Project) -> None:
    odd = [{"a": [1]}, [], None, {"": "x"}, {"a": "w" * 500}, {"a": ""}, {"k" * 5000: "x"}]
    runs = [bad(number, metadata=odd[number % len(odd)]) for number in range(30)]
    assert not factories.post(project, *runs, *map(good, range(30))).errors
    assert counts(compared(project)).keys() == {RunAttribute("metadata", None, "a")}


@pytest.mark.parametrize("counted", [(3, 20, 5, 500), (0, 7, 3, 11), (10, 10, 0, 10), (5, 9, 6, 14), (1, 1, 0, 3)])
def test_p_value_equals_simulation(counted: tuple[int, int, int, int]) -> None:
    count, of, rest, of_rest = counted
    having, whole = count + rest, math.comb(of + of_rest, count + rest)
    ways = {n: math.comb(of, n) * math.comb(of_rest, having - n) for n in range(having + 1) if having - n <= of_rest}
    exact = sum(item for item in ways.values() if item <= ways[count]) / whole
    assert error_group_contrasts.fisher_exact_p_value(*counted) == pytest.approx(exact)


def test_contrast_takes_constant_queries(project: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            compared(project)
        return len(captured)

    assert not factories.post(project, bad(0), good(0)).errors
    few = queries()
    assert not factories.post(project, *map(bad, range(1, 20)), *map(good, range(1, 20))).errors
    assert queries() == few
