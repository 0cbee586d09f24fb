"""The field `source`: what it finds, and the walk that begins where runs of a source were last seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from runs.derivation import DerivedRun
from runs.models import Project, Run, RunSource
from runs.query import RunFilters, planner
from runs.query.value_counts import CountedRuns, fetch_source_values
from tests import factories
from tests.factories import NOW, derive, run_object
from tests.pages import Page

HOUR = 3600


@pytest.fixture
def mixed_project(project: Project) -> Project:
    """A project with three runs as posted, five hours older than two responses and four traces."""
    factories.post(project, *(run_object(id=f"run_{n}", created_at=NOW + n) for n in range(3)))
    later = NOW + 5 * HOUR
    for source, name, count in ((RunSource.RESPONSES, "resp", 2), (RunSource.OTEL, "trace", 4)):
        runs = [run_object(id=f"{name}_{n}", created_at=later + n) for n in range(count)]
        derive(project, *map(DerivedRun, runs), source=source)
    return project


def find(project: Project, query: str) -> set[str]:
    runs = RunFilters.parse_query_text(query).apply(Run.objects.in_project(project))
    return {run_id.split("_")[0] for run_id in runs.values_list("external_id", flat=True)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("source:assistants", {"run"}),
        ("source:responses", {"resp"}),
        ("source:responses,otel", {"resp", "trace"}),
        ("-source:otel", {"run", "resp"}),
        ("-source:assistants", {"resp", "trace"}),
        ("source:*", {"run", "resp", "trace"}),
        ("source:o*l", {"trace"}),
        ("source:x*", set()),
        ("source:otel status:failed", set()),
        ("source:assistants OR id:trace_1", {"run", "trace"}),
    ],
)
def test_source_finds_its_runs(mixed_project: Project, query: str, found: set[str]) -> None:
    assert find(mixed_project, query) == found


@pytest.mark.parametrize("query", ["source:assistants", "-source:otel,responses", "source:assistants status:completed"])
def test_walk_begins_at_last_hour_of_source(
    mixed_project: Project, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 2)
    plan = RunFilters.parse_query_text(query).plan(mixed_project)
    hour = Run.objects.get(external_id="run_2").created_at.replace(minute=0, second=0) + timedelta(hours=1)
    assert plan._created_between == (None, hour)
    assert len(plan.fetch_page(Run.objects.in_project(mixed_project), planner.NEWEST_FIRST, None, 9)) == 3


def test_deleted_source_moves_last_hour(mixed_project: Project) -> None:
    for run in Run.objects.filter(source=RunSource.ASSISTANTS):
        factories.delete_run(run)
    assert RunFilters.parse_query_text("source:assistants").plan(mixed_project)._created_between == (None, None)
    assert find(mixed_project, "source:assistants") == set()


def test_values_are_counted_for_autocomplete(mixed_project: Project) -> None:
    assert fetch_source_values(CountedRuns(mixed_project), "%") == [("otel", 4), ("assistants", 3), ("responses", 2)]


def test_list_has_facet_and_column(mixed_project: Project, member_client: Client) -> None:
    page = Page(member_client.get("/p/default/runs/?columns=source&q=source:otel"))
    assert {row["Source"].text for row in page.table("Runs, newest first").rows} == {"otel"}
    facets = member_client.get("/p/default/facets/", headers={"HX-Request": "true", "HX-Target": "related-facets"})
    assert "source%3Aresponses" in facets.content.decode()


def test_facet_is_hidden_without_derived_runs(project: Project, member_client: Client) -> None:
    factories.post_run(project)
    facets = member_client.get("/p/default/facets/", headers={"HX-Request": "true", "HX-Target": "related-facets"})
    assert "source%3A" not in facets.content.decode()
