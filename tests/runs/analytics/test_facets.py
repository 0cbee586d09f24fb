"""Facets of tools, tags and metadata against counting by hand."""

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


def some_run(chance: random.Random, number: int) -> dict[str, Any]:
    customer = chance.choice(["acme", "globex", "initech"])
    metadata = {"customer": customer, "session": f"s{number}", "env": "prod"} | ({"attempt": 2} if number % 3 else {})
    tools: list[dict[str, Any]] = [factories.function_tool(name) for name in FUNCTIONS[: chance.randint(0, 3)]]
    tools += chance.choice([[], [{"type": "file_search"}]])
    return run_object(created_at=NOW + number, metadata=chance.choice([metadata, {}]), tools=tools)


@pytest.fixture
def runs(project: Project, member: User) -> list[dict[str, Any]]:
    """Forty runs, newest first, of which some called functions and have tags; another project has one too."""
    chance = random.Random(3)
    made = [some_run(chance, number) for number in range(40)]
    factories.post(project, *made)
    for run in made:
        run["called"] = chance.sample(FUNCTIONS, chance.randint(0, 2))
        calls = [factories.function_call(name) for name in (*run["called"], *run["called"])]
        run["searched"] = chance.random() < 0.3
        if run["searched"]:
            calls.append({"id": f"call_{run['id']}", "type": "file_search", "file_search": {}})
        if calls:
            factories.post_steps(project, factories.step_object(run, *calls))
        run["tag"] = chance.choice(["", "odd", "fine"])
    for tag in ("odd", "fine"):
        ids = [run["id"] for run in made if run["tag"] == tag]
        keys = list(Run.objects.filter(external_id__in=ids).values_list("pk", flat=True))
        tags.add_tags(project, keys, [tag], member)
    other = run_object(metadata={"customer": "other"}, tools=[factories.function_tool("other")])
    factories.post(factories.make_project("other"), other)
    return made[::-1]


def read(project: Project, query: dict[str, list[str]] | None = None, text: str = "") -> RelatedFacets:
    return facets.fetch_related_facets(project, RunFilters.parse_params(query or {}).plan(project), text)


def functions(run: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in run["tools"] if tool["type"] == "function"]


def kinds(run: dict[str, Any]) -> set[str]:
    called = ({"function"} if run["called"] else set()) | ({"file_search"} if run["searched"] else set())
    return {tool["type"] for tool in run["tools"]} | called


def by_hand(runs: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    return {
        "called_functions": Counter(name for run in runs for name in run["called"]),
        "defined_functions": Counter(name for run in runs for name in functions(run)),
        "tool_types": Counter(kind for run in runs for kind in kinds(run)),
        "tags": Counter(run["tag"] for run in runs if run["tag"]),
        "customer": Counter(run["metadata"]["customer"] for run in runs if run["metadata"]),
    }


def told(found: RelatedFacets) -> dict[str, Counter[str]]:
    keys = {key.key: Counter(dict(key.counts)) for key in found.metadata}
    return {
        name: Counter(dict(getattr(found, name)))
        for name in ("called_functions", "defined_functions", "tool_types", "tags")
    } | {"customer": keys["customer"]}


def test_all_are_counted_where_they_are_few(project: Project, runs: list[dict[str, Any]]) -> None:
    found = read(project)
    assert told(found) == by_hand(runs)
    assert (found.sample_size, found.is_capped) == (40, False)


def test_of_many_the_newest_are_counted(
    project: Project, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 15)
    found = read(project)
    assert told(found) == by_hand(runs[:15])
    assert (found.sample_size, found.is_capped) == (15, True)


def test_only_what_matches_is_counted(project: Project, runs: list[dict[str, Any]]) -> None:
    found = read(project, {"q": ["metadata.customer:acme"]})
    assert told(found) == by_hand([run for run in runs if run["metadata"].get("customer") == "acme"])


def test_each_value_is_what_its_term_finds(project: Project, runs: list[dict[str, Any]]) -> None:
    found = read(project)
    for field, counts in (
        ("function", found.called_functions),
        ("defines", found.defined_functions),
        ("tag", found.tags),
    ):
        for value, count in counts:
            filters = RunFilters.parse_params({"q": [f"{field}:{value}"]})
            assert filters.apply(Run.objects.in_project(project)).count() == count, (field, value)
    for value, count in found.tool_types:
        filters = RunFilters.parse_params({"q": [f"tool:{value}"]})
        assert filters.apply(Run.objects.in_project(project)).count() == count, value


def test_keys_that_divide_best_come_first_and_those_that_tell_nothing_not_at_all(
    project: Project, runs: list[dict[str, Any]]
) -> None:
    # every run has a session of its own; env has one value, but tells the runs that have metadata from the others
    assert [key.key for key in read(project).most_informative_keys()] == ["customer", "env", "attempt"]
    assert MetadataFacet("k", (("a", 10),), 1, 10).entropy(10) == 0
    assert MetadataFacet("k", (("a", 5), ("b", 5)), 2, 10).entropy(10) == 1
    assert MetadataFacet("k", tuple((str(n), 2) for n in range(50)), 51, 102).entropy(102) == 0


def test_keys_and_values_are_looked_for(project: Project, runs: list[dict[str, Any]]) -> None:
    assert [key.key for key in read(project, text="CUST").metadata] == ["customer"]
    (key,) = read(project, text="lobe").metadata
    assert (key.key, [value for value, _ in key.counts]) == ("customer", ["globex"])
    assert {key.key for key in read(project, text="session").metadata} == {"session"}
    assert read(project, text="100%_").metadata == ()


def test_a_project_without_runs_has_none(project: Project) -> None:
    assert read(project) == RelatedFacets(0, False, (), (), (), (), ())
    assert read(project).most_informative_keys() == []


def test_it_costs_two_queries(
    project: Project, runs: list[dict[str, Any]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        read(project)
