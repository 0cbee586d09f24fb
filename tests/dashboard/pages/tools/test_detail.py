"""Tests of the page of one tool."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs.analytics import tool_samples
from runs.enrichment.step_validation import validate_next_steps
from runs.models import Project, RunStep
from tests import factories
from tests.dashboard.pages.tools.test_list import DAY, list_run_ids
from tests.factories import function_call, function_tool
from tests.pages import Element, Page
from tests.runs.analytics import test_tools as tool_data

SEARCH_URL = "/p/default/tools/function/search/"


def tool_page(client: Client, url: str = SEARCH_URL, query: dict[str, str] | None = None) -> Page:
    response = client.get(url, query)
    assert response.status_code == 200
    return Page(response)


def sample_section(page: Page) -> Element:
    return page.region("Sample calls")


def test_summary_matches_the_list(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    page = tool_page(member_client, query=DAY)
    summary = {term.text: page.definition(term.text).text for term in page.main.find_all("term") if term.text != "Run"}
    assert summary["Calls, 24 hours"] == "9"
    assert summary["Failed"] == "1 11.1 %"
    assert summary["Invalid"] == "3 42.9 % 2 not validated yet"
    assert (summary["p50"], summary["p95"], summary["Longest"]) == ("5 s", "1 min 00 s", "1 min 00 s")
    assert summary["Median output"] == "2 B 20 B at most"
    assert "Does search." in page.text
    assert "Calls per hour" in page.text
    callers = page.table("Calls by assistant")
    assert callers.columns == ["Assistant", "Calls", "Failed", "Invalid", "Not validated yet"]
    assert [row.text for row in callers.rows] == ["asst_concierge 5 0 % 0 % 1", "asst_tight 4 25.0 % 100 % 1"]
    assert page.link("24 h").is_current
    assert page.find("list", "Breadcrumb").link("Tools").url == "/p/default/tools/?range=24h"


def test_last_two_versions_are_compared(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    page = tool_page(member_client, query=DAY)
    assert "2 versions, in order of first use" in page.text
    row = page.table("Differences between version 1 and version 2").row("/function/parameters/properties/order/type")
    assert (row["Change"].text, row["Version 1"].text, row["Version 2"].text) == ("changed", '"string"', '"integer"')


def test_any_two_versions_can_be_compared(member_client: Client, project: Project) -> None:
    for schema_type in ("string", "integer", "number"):
        factories.post(project, factories.run_object(tools=[function_tool("search", order={"type": schema_type})]))
    page = tool_page(member_client, query={"left": "1", "right": "3"})
    assert page.has("table", "Differences between version 1 and version 3")
    form = page.form("Versions to compare")
    assert (form.field("Version").value, form.field("and version").value) == ("1", "3")
    assert member_client.get(SEARCH_URL, {"left": "1", "right": "4"}).status_code == 404
    assert member_client.get(SEARCH_URL, {"left": "0", "right": "1"}).status_code == 404
    assert member_client.get(SEARCH_URL, {"left": "1"}).status_code == 400
    assert member_client.get(SEARCH_URL, {"left": "one", "right": "2"}).status_code == 400


def test_samples_are_newest_failed_and_invalid_calls(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    section = sample_section(tool_page(member_client, query=DAY))
    assert section.names("heading")[0] == "Sample calls"
    newest, failed, invalid = section.find_all("list")
    assert [name for name in section.names("heading") if name in ("Newest", "Failed", "Invalid")] == [
        "Newest", "Failed", "Invalid",
    ]  # fmt: skip
    statuses = [button.text.split()[0] for button in newest.find_all("button") if not button.get("data-copy")]
    assert (statuses.count("Completed"), statuses.count("Failed")) == (4, 1)
    assert "Arguments {" in failed.text
    assert "unparseable arguments: Expecting property name" in invalid.text
    assert re.search("/order: expected integer, got string", invalid.text)


def test_long_calls_are_fetched_on_demand(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_samples, "MAX_INLINE_DETAILS_BYTES", 100)
    run = factories.run_object(id="run_long", tools=[function_tool("search")])
    factories.post(project, run)
    output = "all of it " * 20
    factories.post_steps(project, factories.step_object(run, tool_data.SEARCH, function_call("search", output=output)))
    section = sample_section(tool_page(member_client))
    assert "all of it" not in section.text
    url = section.find("group").get("hx-get")
    assert url
    content = Page(member_client.get(url, headers={"HX-Request": "true"}))
    assert "all of it all of it" in content.text
    assert content.definition("Run").link("run_long")
    assert member_client.get(url.replace("call=1", "call=0")).status_code == 404
    assert member_client.get(url.replace("run_long", "run_other")).status_code == 404


@pytest.mark.parametrize("name", [".", "..", "a/b", "a b", "ä?#&%2F", "//", "~2F", 'say "hi"\n', "x" * 256])
@pytest.mark.parametrize("kind", ["function", "odd/kind"])
def test_any_name_works_in_the_url(member_client: Client, project: Project, kind: str, name: str) -> None:
    call = {"id": "call_1", "type": kind, "name": name}
    call = function_call(name) if kind == "function" else call
    factories.post_steps(project, factories.step_object(factories.run_object(), call))
    page = tool_page(member_client, reverse("tool", args=["default", kind, name]))
    assert page.has("heading")


@pytest.mark.parametrize("path", ["function/unheard_of", "function", "search", "file_search/search"])
def test_unknown_tool_is_404(member_client: Client, project: Project, path: str) -> None:
    tool_data.fill(project)
    assert member_client.get(f"/p/default/tools/{path}/").status_code == 404


def test_uncalled_tool_has_a_page(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    page = tool_page(member_client, "/p/default/tools/function/idle/", DAY)
    assert "Not called in the last 24 hours." in page.text
    assert page.definition("Last call").text == "never"
    assert "1 version" in page.text


def test_configurations_link_to_their_runs(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    rows = tool_page(member_client, query=DAY).table("Configurations").rows
    assert len(rows) == 2  # without that of the deleted run
    run_ids = [list_run_ids(member_client, row["Configuration"].link().url) for row in rows]
    assert ["run_tight"] in run_ids


def test_step_with_many_calls_shows_few(member_client: Client, project: Project) -> None:
    run = factories.run_object(tools=[function_tool("search")])
    factories.post(project, run)
    calls = [function_call("search", json.dumps({"order": number})) for number in range(30)]
    factories.post_steps(project, factories.step_object(run, *calls))
    validate_next_steps(project, None)
    assert RunStep.objects.get().invalid_calls == ["search"] * 30
    assert sample_section(tool_page(member_client)).text.count("Completed") == 10


def test_query_count_is_independent_of_steps(member_client: Client, project: Project) -> None:
    run = factories.run_object(tools=[function_tool("search")])
    factories.post(project, run)
    counts = []
    for number_of_steps in (2, 10):
        steps = [
            factories.step_object(run, function_call("search", "{"), status="failed") for _ in range(number_of_steps)
        ]
        factories.post_steps(project, *steps)
        validate_next_steps(project, None)
        with CaptureQueriesContext(connection) as captured:
            tool_page(member_client)
        counts.append(len(captured))
    # session, user, project, role; definitions, their bodies, calls, metrics, configurations, assistant names;
    # three sorts of samples, the last hour, and runs and configurations of the invalid ones
    assert counts[0] == counts[1] <= 17
