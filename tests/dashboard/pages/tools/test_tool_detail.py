"""The page of one tool: its numbers, versions side by side, callers, single calls, and any name in the address."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.analytics import tool_samples
from runs.enrichment import tool_call_validation
from runs.models import RunStep
from tests import factories
from tests.dashboard.pages.tools.test_tool_list import words
from tests.factories import function_call, function_tool
from tests.runs.analytics import test_tools as numbers

URL = "/p/default/tools/function/search/"
DAY = {"range": "24h"}


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: numbers.NOW)


def section(response: Any, name: str) -> str:
    found = re.search(rf'<section class="sect" id="{name}">.*?</section>', response.content.decode(), re.DOTALL)
    assert found
    return words(found[0])


def test_the_facts_are_those_of_the_list(member_client, project) -> None:
    numbers.fill(project)
    response = member_client.get(URL, DAY)
    said = words(response.content.decode())
    for fact in ("Calls, 24 hours 9", "Failed 1 11.1 %", "Mis-argued 3 42.9 % 2 not checked yet", "p50 5 s",
                 "p95 1 m 00 s", "Longest 1 m 00 s", "Output, median 2 B 20 B at most", "Does search."):  # fmt: skip
        assert fact in said
    assert "Calls per hour" in said
    assert section(response, "callers") == (
        "Called by Assistant Calls Failed Mis-argued Not checked yet "
        "asst_concierge 5 0 % 0 % 1 asst_tight 4 25.0 % 100 % 1"
    )


def test_versions_stand_side_by_side_with_what_differs(member_client, project) -> None:
    numbers.fill(project)
    said = section(member_client.get(URL, DAY), "versions")
    assert "2 versions, in order of their first runs" in said
    assert "/function/parameters/properties/order/type changed" in said
    assert '"integer"' in said
    assert '"string"' in said


def test_any_two_versions_can_be_compared(member_client, project) -> None:
    for kind in ("string", "integer", "number"):
        factories.post(project, factories.run_object(tools=[function_tool("search", order={"type": kind})]))
    said = section(member_client.get(URL, {"left": "1", "right": "3"}), "versions")
    assert "Version 1 Version 3" in said
    assert member_client.get(URL, {"left": "1", "right": "4"}).status_code == 404
    assert member_client.get(URL, {"left": "1"}).status_code == 400
    assert member_client.get(URL, {"left": "one", "right": "2"}).status_code == 400


def test_samples_show_the_newest_the_failed_and_what_is_wrong_with_mis_argued_ones(member_client, project) -> None:
    numbers.fill(project)
    said = section(member_client.get(URL, DAY), "samples")
    newest, _, rest = said.partition(" Failed Failed ")
    assert (newest.count("Completed"), newest.count("Failed")) == (4, 1)
    failed, _, wrong = rest.partition(" Mis-argued ")
    assert "Arguments {" in failed
    assert "unparseable arguments: Expecting property name" in wrong
    assert "invalid arguments /order: expected integer, got string" in wrong


def test_long_calls_are_fetched_when_they_are_looked_at(member_client, project, monkeypatch) -> None:
    monkeypatch.setattr(tool_samples, "MAX_INLINE_DETAILS_BYTES", 100)
    run = factories.run_object(id="run_long", tools=[function_tool("search")])
    factories.post(project, run)
    output = "all of it " * 20
    factories.post_steps(project, factories.step_object(run, numbers.SEARCH, function_call("search", output=output)))
    response = member_client.get(URL)
    assert "all of it" not in section(response, "samples")
    link = re.search(r'<details class="disc" hx-get="([^"]*)" hx-trigger="toggle once"', response.content.decode())
    assert link
    body = member_client.get(unescape(link[1]), headers={"HX-Request": "true"})
    assert "all of it all of it" in words(body.content.decode())
    wrong = unescape(link[1]).replace("call=1", "call=0")
    assert member_client.get(wrong).status_code == 404
    assert member_client.get(unescape(link[1]).replace("run_long", "run_other")).status_code == 404


@pytest.mark.parametrize("name", ["a/b", "a b", "ä?#&%2F", "//", 'say "hi"\n', "x" * 256])
@pytest.mark.parametrize("kind", ["function", "odd/kind"])
def test_any_name_works_in_the_address(member_client, project, kind: str, name: str) -> None:
    call = {"id": "call_1", "type": kind, "name": name}
    call = function_call(name) if kind == "function" else call
    factories.post_steps(project, factories.step_object(factories.run_object(), call))
    assert member_client.get(f"/p/default/tools/{quote(kind, safe='')}/{quote(name, safe='')}/").status_code == 200


@pytest.mark.parametrize("path", ["function/unheard_of", "function", "search", "file_search/search"])
def test_what_is_not_known_is_not_found(member_client, project, path: str) -> None:
    numbers.fill(project)
    assert member_client.get(f"/p/default/tools/{path}/").status_code == 404


def test_a_tool_that_is_only_defined_has_a_page(member_client, project) -> None:
    numbers.fill(project)
    said = words(member_client.get("/p/default/tools/function/idle/", DAY).content.decode())
    assert "Not called in the last 24 hours." in said
    assert "Last call never" in said
    assert "1 version" in said


def test_configurations_that_define_it_are_listed_with_their_runs(member_client, project) -> None:
    numbers.fill(project)
    html = member_client.get(URL, DAY).content.decode()
    links = re.findall(r'<th scope="row"><a class="id" href="([^"]*configuration[^"]*)"', html)
    assert len(links) == 2  # and not that of the run that was deleted
    assert "run_tight" in "".join(member_client.get(unescape(link)).content.decode() for link in links)


def test_steps_with_many_calls_show_few(member_client, project) -> None:
    run = factories.run_object(tools=[function_tool("search")])
    factories.post(project, run)
    calls = [function_call("search", json.dumps({"order": number})) for number in range(30)]
    factories.post_steps(project, factories.step_object(run, *calls))
    tool_call_validation.validate_next_steps({project.pk: project}, None)
    assert RunStep.objects.get().misargued == ["search"] * 30
    assert section(member_client.get(URL), "samples").count("Completed") == 10


def test_ten_steps_cost_what_two_cost(member_client, project) -> None:
    run = factories.run_object(tools=[function_tool("search")])
    factories.post(project, run)
    counts = []
    for many in (2, 10):
        factories.post_steps(
            project, *(factories.step_object(run, function_call("search", "{"), status="failed") for _ in range(many))
        )
        tool_call_validation.validate_next_steps({project.pk: project}, None)
        with CaptureQueriesContext(connection) as captured:
            assert member_client.get(URL).status_code == 200
        counts.append(len(captured))
    # session, user, project and role; definitions, their texts, sums, percentiles, configurations, names of assistants;
    # three sorts of samples, the last hour, and for the mis-argued ones their runs and configurations
    assert counts[0] == counts[1] <= 17
