"""Tests for the facets that load after the list."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page

URL = "/p/default/facets/"
SWAP = {"HX-Request": "true", "HX-Target": "related-facets"}


@pytest.fixture
def filled(project: Project) -> Project:
    for customer in ("acme", "acme", "globex <b>", "odd key"):
        run = factories.run_object(metadata={"customer": customer}, tools=[factories.function_tool("get_weather")])
        factories.post(project, run)
        factories.post_steps(project, factories.step_object(run, factories.function_call("get_weather")))
    return project


def facet_links(page: Page) -> dict[str, str]:
    """Return the URLs of the facet values by value, without their counts."""
    facets = page.region("Tools, tags and metadata")
    return {re.sub(r" [\d,]+$", "", link.text): link.url for link in facets.find_all("link")}


@pytest.mark.usefixtures("filled")
def test_facet_value_links_to_its_runs(member_client: Client) -> None:
    page = Page(member_client.get(URL, headers=SWAP))
    assert not page.has("main")
    urls = facet_links(page)
    assert set(urls) == {"acme", "globex <b>", "odd key", "get_weather", "function"}
    for value, runs in (("acme", 2), ("globex <b>", 1), ("odd key", 1), ("get_weather", 4)):
        table = Page(member_client.get(urls[value])).table(re.compile("^Runs"))
        assert len(table.rows) == runs, value


@pytest.mark.usefixtures("filled")
def test_active_facet_value_links_to_its_removal(member_client: Client) -> None:
    address = f"{URL}?status=completed&q=metadata.customer:acme+duration:>0s&sort=-duration"
    link = Page(member_client.get(address, headers=SWAP)).link(re.compile("acme"))
    assert link.url == "/p/default/runs/?status=completed&q=duration%3A%3E0s&sort=-duration"
    assert link.is_current


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "value", "rest"),
    [
        ("tag:nowhere", "nowhere", ""),
        ("function:get_weather duration:>9h", "get_weather", "duration:>9h"),
        ("metadata.customer:nobody", "nobody", ""),
        ("metadata.customer:acme,globex*", "acme", "metadata.customer:globex*"),
        ("metadata.unknown:x duration:>9h", "x", "duration:>9h"),
    ],
)
def test_filtered_value_stays_without_runs(member_client: Client, query: str, value: str, rest: str) -> None:
    page = Page(member_client.get(URL, {"q": query}, headers=SWAP))
    link = page.link(re.compile(f"^{value}"))
    assert link.is_current
    assert parse_qs(urlsplit(link.url).query).get("q", [""]) == [rest]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "value", "count", "new_query"),
    [
        ("metadata.customer:acme", "globex <b>", 1, 'metadata.customer:acme,"globex <b>"'),
        ('metadata.customer:acme,"odd key" duration:>0s', "globex <b>", 1, None),
        ("metadata.customer:nobody", "acme", 2, "metadata.customer:acme,nobody"),
        ("function:get_weather metadata.customer:acme", "odd key", 1, None),
        ("tool:file_search", "function", 4, "tool:file_search,function"),
    ],
)
def test_values_of_a_field_are_alternatives(
    member_client: Client, query: str, value: str, count: int, new_query: str | None
) -> None:
    link = Page(member_client.get(URL, {"q": query}, headers=SWAP)).link(re.compile(f"^{re.escape(value)}"))
    assert link.text == f"{value} {count}"
    (found,) = parse_qs(urlsplit(link.url).query)["q"]
    assert new_query is None or set(re.split("[:,]", found)) == set(re.split("[:,]", new_query))
    selected = Page(member_client.get(URL, {"q": found}, headers=SWAP)).find_all("link")
    assert len([link for link in selected if link.is_current]) == query.count(":") + query.count(",") + 1 - (
        "duration" in query
    )


@pytest.mark.usefixtures("filled")
def test_facets_page_works_without_scripts(member_client: Client) -> None:
    run_list = Page(member_client.get("/p/default/runs/?q=duration:>0s"))
    assert run_list.link("Tools, tags and metadata").url == "/p/default/facets/?q=duration%3A%3E0s"
    page = Page(member_client.get(f"{URL}?q=duration:>0s&find=glob"))
    assert page.has("main")
    assert set(facet_links(page)) == {"globex <b>"}
    assert page.find("list", "Breadcrumb").link("Runs").url == "/p/default/runs/?q=duration%3A%3E0s"
    assert page.form("Metadata").values == [("q", "duration:>0s"), ("find", "glob")]
    assert "No key or value contains this text." in Page(member_client.get(f"{URL}?find=nowhere")).text


@pytest.mark.parametrize("query", ["find=a&find=b", "nope=1", "q=status:(", "find=%00", f"find={'x' * 201}"])
def test_invalid_parameters_are_rejected(member_client: Client, query: str) -> None:
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_non_member_gets_404(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404
