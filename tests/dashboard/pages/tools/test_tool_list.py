"""The list of tools: what each row says and leads to, tabs, search, order, files, and what it costs."""

from __future__ import annotations

import csv
import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.pages.tools import params
from tests import factories
from tests.factories import function_call, function_tool
from tests.runs.analytics import test_tools as numbers

URL = "/p/default/tools/"
DAY = {"range": "24h"}
SWAP = {"HX-Request": "true", "HX-Target": "tools"}


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: numbers.NOW)


def cells(response: Any) -> dict[str, list[str]]:
    """The words of each row, by the tool's name."""
    body = re.search(r'<tbody id="rows">(.*?)</tbody>', response.content.decode(), re.DOTALL)
    if body is None:
        return {}
    rows = re.findall(r"<tr.*?</tr>", body[1], re.DOTALL)
    found = [[words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]
    return {row[0]: row[1:] for row in found}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def tabs(response: Any) -> dict[str, int]:
    nav = re.search(r'<nav class="tabs" id="tool-tabs".*?</nav>', response.content.decode(), re.DOTALL)
    assert nav
    return {label: int(count) for label, count in re.findall(r">([A-Z][a-z ]+) <span>(\d+)", nav[0])}


def test_a_row_says_how_a_tool_is_doing(member_client, project) -> None:
    numbers.fill(project)
    found = cells(member_client.get(URL, DAY))
    assert list(found) == ["search", "file_search", "post_entry", "idle"]
    kind, defined, called, calls, _, failed, misargued, p50, p95, output, schema, last = found["search"]
    assert (kind, calls, failed, misargued, schema) == ("function", "9", "11.1 %", "42.9 %", "2 versions")
    assert defined == "asst_concierge , asst_tight"
    assert called == "asst_concierge , asst_tight"
    assert (p50, p95, output) == ("5 s", "1 m 00 s", "2 B")
    assert last == "in 1 h"
    assert found["file_search"][5:7] == ["50.0 %", ""]
    assert found["post_entry"][1] == "not defined"
    assert found["idle"][3:] == ["0", "", "", "", "", "", "", "1 version", "never"]


@pytest.mark.parametrize(
    ("show", "expected"),
    [("failing", {"search", "file_search"}), ("uncalled", {"idle"}), ("differing", {"search"})],
)
def test_tabs_select_and_count(member_client, project, show: str, expected: set[str]) -> None:
    numbers.fill(project)
    response = member_client.get(URL, DAY | {"show": show})
    assert set(cells(response)) == expected
    assert tabs(response) == {"All": 4, "Failing": 2, "Never called": 1, "Schema differs": 1}


@pytest.mark.parametrize(
    ("q", "expected"),
    [("SEARCH", {"search", "file_search"}), ("does idle", {"idle"}), ("mcp", {"post_entry"}), ("nothing", set())],
)
def test_search_looks_at_names_kinds_and_descriptions(member_client, project, q: str, expected: set[str]) -> None:
    numbers.fill(project)
    assert set(cells(member_client.get(URL, DAY | {"q": q}))) == expected


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "file_search"), ("failed", "file_search"), ("misargued", "search"), ("output", "file_search"),
     ("versions", "search"), ("last", "search"), ("p95", "search")],
)  # fmt: skip
def test_the_table_is_sorted_by_what_is_asked(member_client, project, sort: str, first: str) -> None:
    numbers.fill(project)
    assert next(iter(cells(member_client.get(URL, DAY | {"sort": sort})))) == first


def test_every_number_leads_to_the_runs_behind_it(member_client, project) -> None:
    numbers.fill(project)
    html = member_client.get(URL, DAY).content.decode()
    row = re.search(r'<th scope="row" class="wrap"><a href="[^"]*function/search/.*?</tr>', html, re.DOTALL)
    assert row
    links = [unescape(url) for url in re.findall(r'href="([^"]*/runs/\?[^"]*q=[^"]*)"', row[0])]
    found = []
    for link in links:
        runs = member_client.get(link)
        assert runs.status_code == 200
        found.append(sorted(re.findall(r'<a class="id" href="[^"]*" title="(run_[a-z]*)"', runs.content.decode())))
    # calls, failed, mis-argued
    assert found == [["run_loose", "run_tight"], ["run_tight"], ["run_tight"]]


def test_a_hundred_and_more_tools_stay_usable(member_client, project) -> None:
    tools = [function_tool(f"render_preview_{number:03}") for number in range(130)]
    factories.post(project, factories.run_object(tools=tools))
    response = member_client.get(URL)
    assert len(cells(response)) == params.DEFAULT_ROWS
    assert "50 of 130 shown" in words(response.content.decode())
    more = re.search(r'<a class="btn" href="([^"]*rows=100[^"]*)"', response.content.decode())
    assert more
    assert len(cells(member_client.get(unescape(more[1])))) == 100


def test_a_swap_gets_the_table_and_the_tabs(member_client, project) -> None:
    numbers.fill(project)
    html = member_client.get(URL, DAY | {"q": "idle"}, headers=SWAP).content.decode()
    assert html.strip().startswith('<div class="stack" id="tools">')
    assert 'id="tool-tabs" aria-label="Which tools" hx-swap-oob="true"' in html


@pytest.mark.parametrize(
    ("query", "said"),
    [({"range": "7 d"}, "did you mean '7d'?"), ({"show": "x"}, "known are all, failing"), ({"rows": "0"}, "rows"),
     ({"sorted": "x"}, "sorted")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(member_client, project, query: dict[str, str], said: str) -> None:
    for url in (URL, "/p/default/tools.json", "/p/default/tools.csv"):
        response = member_client.get(url, query)
        assert response.status_code == 400
        assert said in unescape(response.content.decode())


def test_empty_pages_teach(member_client, project) -> None:
    assert "No tools yet" in words(member_client.get(URL).content.decode())
    numbers.fill(project)
    assert "has all words of “zebra”" in words(member_client.get(URL, {"q": "zebra"}).content.decode())


def test_files_say_what_the_page_says(member_client, project) -> None:
    numbers.fill(project)
    data = member_client.get("/p/default/tools.json", DAY).json()
    assert data["since"] == "2026-11-17T12:00:00Z"
    search = data["data"][0]
    assert (search["name"], search["calls"], search["failed"], search["misargued"], search["checked"]) == (
        "search", 9, 1, 3, 7,
    )  # fmt: skip
    assert sum(search["parts"]) == 9
    lines = list(csv.DictReader(b"".join(member_client.get("/p/default/tools.csv", DAY)).decode().splitlines()))
    assert [line["name"] for line in lines] == [each["name"] for each in data["data"]]
    assert json.loads(lines[0]["defined_in"]) == search["defined_in"]


def test_names_from_outside_are_escaped(member_client, project) -> None:
    name = "<script>alert(1)</script>/?#%"
    run = factories.run_object(tools=[function_tool(name)], created_at=numbers.at("18T10:00:00"))
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, function_call(name, "<img src=x>")))
    html = member_client.get(URL, DAY).content.decode()
    assert "<script>alert" not in html
    link = re.search(r'<th scope="row" class="wrap"><a href="([^"]*)"', html)
    assert link
    page = member_client.get(unescape(link[1]))
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "<img src=x>" not in page.content.decode()


def test_other_projects_stay_apart(member_client, project) -> None:
    numbers.fill(factories.make_project("other"))
    assert cells(member_client.get(URL)) == {}
    for url in ("tools/", "tools.json", "tools.csv", "tools/function/search/"):
        assert member_client.get(f"/p/other/{url}").status_code == 404


def test_many_tools_cost_what_few_cost(member_client, project) -> None:
    counts = []
    for many in (10, 40):
        names = [f"tool_{number}" for number in range(many)]
        run = factories.run_object(tools=[function_tool(name) for name in names], assistant_id=f"asst_{many}")
        factories.post(project, run)
        factories.post_steps(project, factories.step_object(run, *map(function_call, names)))
        with CaptureQueriesContext(connection) as captured:
            assert len(cells(member_client.get(URL))) == many
        counts.append(len(captured))
    # session, user, project and role; definitions, sums, percentiles, (last calls), names of assistants
    assert counts[0] == counts[1] <= 9
