"""Facets of tools, tags and metadata equal a recount of the runs."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics import facets, recent_sample
from runs.analytics.facets import MetadataFacet, RelatedFacets
from runs.models import Project, Run, User
from runs.query import RunFilters
from runs.team import tags
from tests import factories
from tests.factories import NOW, run_object

FUNCTIONS = ("get_weather", "issue_refund", "search")


def some_run(rng: random.Random, number: int) -> dict[str, Any]:
    customer = rng.choice(["acme", "globex", "initech"])
    metadata = {"customer": customer, "session": f"s{number}", "env": "prod"} | ({"attempt": 2} if number % 3 else {})
    tools: list[dict[str, Any]] = [factories.function_tool(name) for name in FUNCTIONS[: rng.randint(0, 3)]]
    tools += rng.choice([[], [{"type": "file_search"}]])
    return run_object(created_at=NOW + number, metadata=rng.choice([metadata, {}]), tools=tools)


@pytest.fixture
def runs(project: Project, member: User) -> list[dict[str, Any]]:
    """Forty runs, newest first, some with function calls and tags; another project has one as well."""
    rng = random.Random(3)
    posted = [some_run(rng, number) for number in range(40)]
    factories.post(project, *posted)
    for run in posted:
        run["called"] = rng.sample(FUNCTIONS, rng.randint(0, 2))
        calls = [factories.function_call(name) for name in (*run["called"], *run["called"])]
        run["searched"] = rng.random() < 0.3
        if run["searched"]:
            calls.append({"id": f"call_{run['id']}", "type": "file_search", "file_search": {}})
        if calls:
            factories.post_steps(project, factories.step_object(run, *calls))
        run["tag"] = rng.choice(["", "odd", "fine"])
    for tag in ("odd", "fine"):
        ids = [run["id"] for run in posted if run["tag"] == tag]
        keys = list(Run.objects.filter(external_id__in=ids).values_list("pk", flat=True))
        tags.add_tags(project, keys, [tag], member)
    other = run_object(metadata={"customer": "other"}, tools=[factories.function_tool("other")])
    factories.post(factories.make_project("other"), other)
    return posted[::-1]


def fetch(project: Project, query: dict[str, list[str]] | None = None, text: str = "") -> RelatedFacets:
    return facets.fetch_related_facets(project, RunFilters.parse_params(query or {}).plan(project), text)


def functions(run: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in run["tools"] if tool["type"] == "function"]


def kinds(run: dict[str, Any]) -> set[str]:
    called = ({"function"} if run["called"] else set()) | ({"file_search"} if run["searched"] else set())
    return {tool["type"] for tool in run["tools"]} | called


def recount(runs: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    return {
        "called_functions": Counter(name for run in runs for name in run["called"]),
        "defined_functions": Counter(name for run in runs for name in functions(run)),
        "tool_types": Counter(kind for run in runs for kind in kinds(run)),
        "tags": Counter(run["tag"] for run in runs if run["tag"]),
        "customer": Counter(run["metadata"]["customer"] for run in runs if run["metadata"]),
    }


def collect_counts(result: RelatedFacets) -> dict[str, Counter[str]]:
    keys = {key.key: Counter(dict(key.counts)) for key in result.metadata}
    return {
        name: Counter(dict(getattr(result, name)))
        for name in ("called_functions", "defined_functions", "tool_types", "tags")
    } | {"customer": keys["customer"]}


def test_few_matches_are_all_counted(project: Project, runs: list[dict[str, Any]]) -> None:
    result = fetch(project)
    assert collect_counts(result) == recount(runs)
    assert (result.sample_size, result.is_capped) == (40, False)


def test_newest_of_many_matches_are_counted(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 15)
    result = fetch(project)
    assert collect_counts(result) == recount(runs[:15])
    assert (result.sample_size, result.is_capped) == (15, True)


def test_only_matches_are_counted(project: Project, runs: list[dict[str, Any]]) -> None:
    result = fetch(project, {"q": ["metadata.customer:acme"]})
    assert collect_counts(result) == recount([run for run in runs if run["metadata"].get("customer") == "acme"])


def test_value_counts_equal_query_matches(project: Project, runs: list[dict[str, Any]]) -> None:
    result = fetch(project)
    for field, counts in (
        ("function", result.called_functions),
        ("defines", result.defined_functions),
        ("tag", result.tags),
    ):
        for value, count in counts:
            filters = RunFilters.parse_params({"q": [f"{field}:{value}"]})
            assert filters.apply(Run.objects.in_project(project)).count() == count, (field, value)
    for value, count in result.tool_types:
        filters = RunFilters.parse_params({"q": [f"tool:{value}"]})
        assert filters.apply(Run.objects.in_project(project)).count() == count, value


def test_most_informative_keys_come_first(project: Project, runs: list[dict[str, Any]]) -> None:
    # every run has a session of its own; env has one value, but tells the runs that have metadata from the others
    assert [key.key for key in fetch(project).most_informative_keys()] == ["customer", "env", "attempt"]
    assert MetadataFacet("k", (("a", 10),), 1, 10).entropy(10) == 0
    assert MetadataFacet("k", (("a", 5), ("b", 5)), 2, 10).entropy(10) == 1
    assert MetadataFacet("k", tuple((str(n), 2) for n in range(50)), 51, 102).entropy(102) == 0


def test_search_finds_keys_and_values(project: Project, runs: list[dict[str, Any]]) -> None:
    assert [key.key for key in fetch(project, text="CUST").metadata] == ["customer"]
    (key,) = fetch(project, text="lobe").metadata
    assert (key.key, [value for value, _ in key.counts]) == ("customer", ["globex"])
    assert {key.key for key in fetch(project, text="session").metadata} == {"session"}
    assert fetch(project, text="100%_").metadata == ()


def test_project_without_runs_has_no_facets(project: Project) -> None:
    assert fetch(project) == RelatedFacets(0, False, (), (), (), (), (), ())
    assert fetch(project).most_informative_keys() == []


def test_facets_take_two_queries(
    project: Project, runs: list[dict[str, Any]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        fetch(project)
