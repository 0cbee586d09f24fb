"""Links between the run of a trace and the runs of the responses that it names, in both orders of arrival."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.analytics.linked_runs import fetch_linked_runs
from runs.models import Project, ResponseMention, Run
from runs.team.deletion import delete_runs
from tests.dashboard.pages.run.run_pages import run_url
from tests.pages import Page
from tests.responses import call, post_responses, response_object
from tests.runs.api.api_client import RUNS, ApiClient
from tests.runs.traces.spans import TRACE_ID, agent, chat, ingest_otlp


@pytest.mark.parametrize("order", ["response first", "trace first"])
def test_trace_and_response_link_to_each_other(member_client: Client, project: Project, order: str) -> None:
    response, root = response_object(), agent("planner")
    spans = [root, chat(root, **{"gen_ai.response.id": response["id"]})]
    if order == "trace first":
        ingest_otlp(project, *spans)
    post_responses(project, response)
    ingest_otlp(project, *spans)
    trace_run_id, api = f"trace_{TRACE_ID}_{root['spanId']}", ApiClient.for_project(project, "read")
    for page_of, linked in ((trace_run_id, response["id"]), (response["id"], trace_run_id)):
        timeline = Page(member_client.get(run_url(page_of))).region("Timeline")
        assert timeline.link(linked).url == run_url(linked)
        listed = api.get(f"{RUNS}/{page_of}/linked_runs").json()
        assert (listed["object"], [run["id"] for run in listed["data"]]) == ("list", [linked])
        assert listed["data"][0] == api.get(f"{RUNS}/{linked}").json()


def test_later_response_of_a_turn_is_linked(project: Project) -> None:
    asked = call()
    first = response_object(asked)
    second = response_object(previous_response_id=first["id"], at=9)
    root = agent("planner")
    post_responses(project, first, second)
    ingest_otlp(project, root, chat(root, **{"gen_ai.response.id": second["id"]}))
    run = Run.objects.get(external_id=first["id"])
    assert [linked.external_id for linked in fetch_linked_runs(run)] == [f"trace_{TRACE_ID}_{root['spanId']}"]


def test_links_cost_two_queries_at_most(project: Project, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    root, response = agent("planner"), response_object()
    post_responses(project, response)
    ingest_otlp(project, root, chat(root, **{"gen_ai.response.id": response["id"]}))
    for run in Run.objects.select_related("project"):
        with django_assert_max_num_queries(2):
            assert len(fetch_linked_runs(run)) == 1


def test_deleted_run_names_no_response(project: Project) -> None:
    root, response = agent("planner"), response_object()
    ingest_otlp(project, root, chat(root, **{"gen_ai.response.id": response["id"]}))
    delete_runs(project, [f"trace_{TRACE_ID}_{root['spanId']}"], lambda _: None)
    assert not ResponseMention.objects.exists()
