"""Tests of the list of tools and its downloads."""

from __future__ import annotations

import csv
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.tools.params import DEFAULT_ROWS
from runs.models import Project
from tests import factories
from tests.factories import function_call, function_tool
from tests.pages import Page
from tests.runs.analytics import test_tools as tool_data

LIST_URL = "/p/default/tools/"
JSON_URL, CSV_URL = "/p/default/tools.json", "/p/default/tools.csv"
DAY = {"range": "24h"}
SWAP = {"HX-Request": "true", "HX-Target": "tools"}


def list_page(client: Client, query: dict[str, str] | None = None) -> Page:
    response = client.get(LIST_URL, query)
    assert response.status_code == 200
    return Page(response)


def listed_names(page: Page) -> list[str]:
    return page.table("Tools").cells("Tool") if page.has("table", "Tools") else []


def tab_counts(page: Page) -> dict[str, str]:
    return dict(name.rsplit(" ", 1) for name in page.navigation("Tools by state").names("link"))


def list_run_ids(client: Client, runs_url: str) -> list[str]:
    response: Any = client.get(f"/p/default/runs.json?{urlsplit(runs_url).query}")
    assert response.status_code == 200, runs_url
    return sorted(run["id"] for run in json.loads(b"".join(response.streaming_content))["data"])


def test_row_summarizes_a_tool(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    page = list_page(member_client, DAY)
    assert listed_names(page) == ["search", "file_search", "post_entry", "idle"]
    table = page.table("Tools")
    assert table.columns == [
        "Tool", "Type", "Defined in", "Called by", "Calls", "24 hours", "Failed", "Invalid", "p50", "p95",
        "Median output", "Schema", "Last call",
    ]  # fmt: skip
    search, file_search, post_entry, idle = table.rows
    assert search["Type"].text == "function"
    assert search["Defined in"].text == "asst_concierge, asst_tight"
    assert search["Called by"].text == "asst_concierge, asst_tight"
    assert [search[column].text for column in ("Calls", "Failed", "Invalid")] == ["9", "11.1 %", "42.9 %"]
    assert [search[column].text for column in ("p50", "p95", "Median output")] == ["5 s", "1 min 00 s", "2 B"]
    assert (search["Schema"].text, search["Last call"].text) == ("2 versions", "in 53 min")
    assert [file_search[column].text for column in ("Failed", "Invalid")] == ["50.0 %", ""]
    assert post_entry["Defined in"].text == "not defined"
    assert [cell.text for cell in idle.cells[4:]] == ["0", "", "", "", "", "", "", "1 version", "never"]


@pytest.mark.parametrize(
    ("show", "names"),
    [("failed", {"search", "file_search"}), ("invalid", {"search"}), ("uncalled", {"idle"}), ("differing", {"search"})],
)
def test_tabs_select_and_count(member_client: Client, project: Project, show: str, names: set[str]) -> None:
    tool_data.fill(project)
    page = list_page(member_client, DAY | {"show": show})
    assert set(listed_names(page)) == names
    assert tab_counts(page) == {
        "All": "4", "Failed calls": "2", "Invalid calls": "1", "Never called": "1", "Schema differs": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("q", "names"),
    [("SEARCH", {"search", "file_search"}), ("does idle", {"idle"}), ("mcp", {"post_entry"}), ("nothing", set())],
)
def test_search_covers_name_type_and_description(
    member_client: Client, project: Project, q: str, names: set[str]
) -> None:
    tool_data.fill(project)
    assert set(listed_names(list_page(member_client, DAY | {"q": q}))) == names


@pytest.mark.parametrize(
    ("sort", "column", "first"),
    [("name", "Tool", "file_search"), ("failed", "Failed", "file_search"), ("invalid", "Invalid", "search"),
     ("output", "Median output", "file_search"), ("versions", "Schema", "search"), ("last", "Last call", "search"),
     ("p95", "p95", "search")],
)  # fmt: skip
def test_table_is_sorted(member_client: Client, project: Project, sort: str, column: str, first: str) -> None:
    tool_data.fill(project)
    page = list_page(member_client, DAY | {"sort": sort})
    assert listed_names(page)[0] == first
    assert page.table("Tools").sorted_by == (column, "ascending" if sort == "name" else "descending")
    assert page.form("Tools").values == [("q", ""), ("range", "24h"), ("sort", sort)]


def test_counts_link_to_their_runs(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    row = list_page(member_client, DAY).table("Tools").row("2 versions")
    assert list_run_ids(member_client, row["Calls"].link().url) == ["run_loose", "run_tight"]
    assert list_run_ids(member_client, row["Failed"].link().url) == ["run_tight"]
    assert list_run_ids(member_client, row["Invalid"].link().url) == ["run_tight"]


def test_long_list_is_loaded_in_parts(member_client: Client, project: Project) -> None:
    tools = [function_tool(f"render_preview_{number:03}") for number in range(130)]
    factories.post(project, factories.run_object(tools=tools))
    page = list_page(member_client)
    assert len(listed_names(page)) == DEFAULT_ROWS
    assert "50 of 130 shown" in page.text
    second = Page(member_client.get(page.link("Load 50 more").url))
    assert len(listed_names(second)) == 100
    assert second.has("link", "Load 30 more")


def test_swap_contains_list_and_tabs(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    fragment = Page(member_client.get(LIST_URL, DAY | {"q": "idle"}, headers=SWAP))
    assert listed_names(fragment) == ["idle"]
    assert fragment.navigation("Tools by state").get("hx-swap-oob") == "true"
    assert not fragment.has("heading")


@pytest.mark.parametrize(
    ("query", "message"),
    [({"range": "7 d"}, "did you mean '7d'?"), ({"show": "x"}, "expected all, failed, invalid"),
     ({"rows": "0"}, "rows"), ({"sorted": "x"}, "sorted")],
)  # fmt: skip
def test_invalid_parameter_is_named(
    member_client: Client, project: Project, query: dict[str, str], message: str
) -> None:
    for url in (LIST_URL, JSON_URL, CSV_URL):
        response = member_client.get(url, query)
        assert response.status_code == 400
        assert message in Page(response).text


def test_empty_list_explains_itself(member_client: Client, project: Project) -> None:
    assert list_page(member_client).has("heading", "No tools yet")
    tool_data.fill(project)
    assert "contains all words of “zebra”" in list_page(member_client, {"q": "zebra"}).text


def test_downloads_contain_the_listed_tools(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    page = list_page(member_client, DAY)
    assert page.link("CSV").url == f"{CSV_URL}?range=24h"
    document = member_client.get(JSON_URL, DAY).json()
    assert document["since"] == "2026-11-17T12:00:00Z"
    search = document["data"][0]
    assert (search["name"], search["calls"], search["failed"], search["invalid"], search["checked"]) == (
        "search", 9, 1, 3, 7,
    )  # fmt: skip
    assert sum(search["parts"]) == 9
    response: Any = member_client.get(CSV_URL, DAY)
    lines = list(csv.DictReader(b"".join(response).decode("utf-8-sig").splitlines()))
    assert [line["name"] for line in lines] == [tool["name"] for tool in document["data"]] == listed_names(page)
    assert json.loads(lines[0]["defined_in"]) == search["defined_in"]


def test_posted_names_are_escaped(member_client: Client, project: Project) -> None:
    name = "<script>alert(1)</script>/?#%"
    run = factories.run_object(tools=[function_tool(name)], created_at=tool_data.at("18T10:00:00"))
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, function_call(name, "<img src=x>")))
    response = member_client.get(LIST_URL, DAY)
    assert "<script>alert" not in response.content.decode()
    detail = member_client.get(Page(response).table("Tools").rows[0]["Tool"].link(name).url)
    assert detail.status_code == 200
    assert "<script>alert" not in detail.content.decode()
    assert "<img src=x>" not in detail.content.decode()


def test_other_projects_are_isolated(member_client: Client, project: Project) -> None:
    tool_data.fill(factories.make_project("other"))
    assert listed_names(list_page(member_client)) == []
    for path in ("tools/", "tools.json", "tools.csv", "tools/function/search/"):
        assert member_client.get(f"/p/other/{path}").status_code == 404


def test_query_count_is_independent_of_tools(member_client: Client, project: Project) -> None:
    counts = []
    for number_of_tools in (10, 40):
        names = [f"tool_{number}" for number in range(number_of_tools)]
        tools = [function_tool(name) for name in names]
        run = factories.run_object(tools=tools, assistant_id=f"asst_{number_of_tools}")
        factories.post(project, run)
        factories.post_steps(project, factories.step_object(run, *map(function_call, names)))
        with CaptureQueriesContext(connection) as captured:
            assert len(listed_names(list_page(member_client))) == number_of_tools
        counts.append(len(captured))
    # session, user, project, role; definitions, calls, metrics, (last calls), assistant names
    assert counts[0] == counts[1] <= 9


def test_headings_name_their_column(member_client: Client, project: Project) -> None:
    tool_data.fill(project)
    heading = list_page(member_client).table("Tools").column("Invalid")
    assert re.search("do not match the definitions", heading.get("title") or "")
    assert heading.link().url == f"{LIST_URL}?sort=invalid"
