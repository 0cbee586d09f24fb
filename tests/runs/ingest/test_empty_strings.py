"""Empty strings of compatible servers are stored as posted and count as not given, so that nothing lacks a name."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest

from runs.analytics.facets import fetch_related_facets
from runs.analytics.run_overview import fetch_run_overview
from runs.ingest import RawItem, ingest_mixed
from runs.models import Message, Project, Run, RunStep
from runs.query import RunFilters
from tests import factories
from tests.factories import failed_run, message_object, post, post_messages, post_steps, run_object, step_object


@pytest.mark.parametrize(
    "posted",
    [
        run_object(object=""),
        run_object(model=""),
        run_object(tools=[{"type": ""}, factories.function_tool("")]),
        run_object(incomplete_details={"reason": ""}),
        failed_run("", ""),
    ],
    ids=["object", "model", "tools", "reason", "error"],
)
def test_empty_values_of_runs_are_stored_but_not_listed(project: Project, posted: dict[str, Any]) -> None:
    assert post(project, posted).errors == []
    run = Run.objects.with_configuration().get()
    assert json.loads(run.as_json()) == posted
    assert "" not in (run.model, run.error_code, run.incomplete_reason)
    assert "" not in [*run.configuration.tool_types, *run.configuration.function_names]


def test_empty_object_type_follows_from_the_place(project: Project) -> None:
    run = run_object(object="")
    step, message = step_object(run, object=""), message_object(run, object="")
    del step["step_details"]
    raws = [json.dumps(posted).encode() for posted in (run, step, message)]
    assert ingest_mixed(project, [RawItem(index, raw) for index, raw in enumerate(raws)]).errors == []
    stored = (Run.objects.get(), RunStep.objects.get(), Message.objects.get())
    assert [json.loads(record.as_json()) for record in stored] == [run, step, message]
    assert post_steps(project, step).counts["unchanged"] == post_messages(project, message).counts["unchanged"] == 1


@pytest.mark.parametrize("name", ["id", "status", "thread_id", "assistant_id"])
def test_required_fields_must_not_be_empty(project: Project, name: str) -> None:
    [problem] = post(project, run_object(**{name: ""})).errors
    assert (problem.path, problem.message) == (f"/{name}", "expected string of length >= 1, got length 0")


def test_no_facet_lacks_a_name(project: Project) -> None:
    nameless = run_object(model="", metadata={"": "x", "customer": ""})
    post(project, nameless, run_object(model="gpt-4o", metadata={"customer": "acme"}), failed_run("", ""))
    filters = RunFilters()
    plan = filters.plan(project)
    overview = fetch_run_overview(project, filters, plan, ("status", "model", "error", "assistant"), UTC)
    assert dict(overview.facets["model"].counts) == {"gpt-4o": 1, failed_run()["model"]: 1}
    assert overview.facets["error"].counts == ()
    related = fetch_related_facets(project, plan)
    assert [(facet.key, facet.counts) for facet in related.metadata] == [("customer", (("acme", 2),))]
