"""The facets that are read after the list: links that make a filter, with scripts and without."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from runs.models import Project
from tests import factories

URL = "/p/default/facets/"
SWAP = {"HX-Request": "true", "HX-Target": "more-facets"}


@pytest.fixture
def filled(project: Project) -> Project:
    for customer in ("acme", "acme", "globex <b>", "odd key"):
        run = factories.run_object(metadata={"customer": customer}, tools=[factories.function_tool("get_weather")])
        factories.post(project, run)
        factories.post_steps(project, factories.step_object(run, factories.function_call("get_weather")))
    return project


def links(body: str) -> dict[str, str]:
    found = re.findall(r'<a class="val" href="([^"]*)"[^>]*><span title="([^"]*)">', body)
    return {unescape(text): unescape(url) for url, text in found}


@pytest.mark.usefixtures("filled")
def test_facet_value_links_to_its_runs(member_client: Client) -> None:
    body = member_client.get(URL, headers=SWAP).content.decode()
    assert body.strip().startswith("<section") or "<html" not in body
    found = links(body)
    assert set(found) == {"acme", "globex <b>", "odd key", "get_weather", "function"}
    for value, runs in (("acme", 2), ("globex <b>", 1), ("odd key", 1), ("get_weather", 4)):
        rows = member_client.get(found[value]).content.decode()
        assert rows.count('<tr role="row" id=') == runs, value


@pytest.mark.usefixtures("filled")
def test_active_facet_value_links_to_its_removal(member_client: Client) -> None:
    address = f"{URL}?status=completed&q=metadata.customer:acme+duration:>0s&sort=-duration"
    body = member_client.get(address, headers=SWAP).content.decode()
    assert links(body)["acme"] == "/p/default/runs/?status=completed&q=duration%3A%3E0s&sort=-duration"
    assert 'aria-current="true"' in body


@pytest.mark.usefixtures("filled")
def test_facets_page_works_without_scripts(member_client: Client) -> None:
    listed = member_client.get("/p/default/runs/?q=duration:>0s").content.decode()
    assert '<a href="/p/default/facets/?q=duration%3A%3E0s">' in listed
    page = member_client.get(f"{URL}?q=duration:>0s&find=glob").content.decode()
    assert "<html" in page
    assert set(links(page)) == {"globex <b>"}
    assert '<a href="/p/default/runs/?q=duration%3A%3E0s">Back to the list</a>' in page
    assert '<input type="hidden" name="q" value="duration:&gt;0s">' in page
    nothing = member_client.get(f"{URL}?find=nowhere").content.decode()
    assert "No key or value contains it." in nothing


@pytest.mark.parametrize("query", ["find=a&find=b", "nope=1", "q=status:(", "find=%00", f"find={'x' * 201}"])
def test_invalid_parameters_are_rejected(member_client: Client, query: str) -> None:
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_non_member_gets_404(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404
