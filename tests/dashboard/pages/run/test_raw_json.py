"""The raw JSON of a run: the tree, its search, and the links to single values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, open_run, run_json_url, run_url
from tests.pages import Page


def test_numbers_keep_spelling_and_unknown_fields_are_marked(project: Project, member_client: Client) -> None:
    run = factories.run_object(temperature=1.0, vendor={"big": 10**30}, instructions="a\ud800b\u0000")
    factories.post(project, run)
    text = open_run(member_client, run).region("Raw JSON").text
    assert "temperature: 1.0" in text
    assert f"big: {10**30}" in text
    assert "vendor unknown field: {" in text
    assert "1 unknown field" in text
    assert r'"a\ud800b\u0000"' in text


def test_large_tree_is_fetched_on_demand(project: Project, member_client: Client) -> None:
    run = factories.run_object(instructions="a" * 30_000)
    factories.post(project, run)
    section = open_run(member_client, run).region("Raw JSON")
    assert section.has("link", "Show the tree")
    assert "thread.run" not in section.text
    for target in ("", "raw"):
        assert "thread.run" in open_run(member_client, run, "?full=raw", target=target).region("Raw JSON").text


def test_large_tree_is_searched_without_scripts(project: Project, member_client: Client) -> None:
    metadata = {"Region": "north-<b>east</b>", "other": "x"}
    tools = [factories.function_tool(f"tool_{number}") for number in range(60)]
    run = factories.run_object(instructions="a" * 30_000 + " the Needle", metadata=metadata, tools=tools)
    factories.post(project, run)

    def search(text: str, headers: dict[str, str] | None = None) -> Page:
        return Page(member_client.get(run_url(run["id"]), {"find": text}, headers=headers or {}))

    def marks(page: Page) -> list[str]:
        return [mark.text for mark in page.find_all("mark")]

    for headers in ({}, htmx_headers("raw-tree")):
        page = search("needle", headers)
        [tree] = [element for element in page.iterate() if element.get("id") == "raw-tree"]
        assert tree.status().text == "Found in 1 line."
        assert [mark.text for mark in tree.find_all("mark")] == ["Needle"]
        assert sum(group.is_open for group in tree.find_all("group")) == 2
    escaped = search("<B>east")
    assert marks(escaped) == ["<b>east"]
    assert '"north-<b>east</b>"' in escaped.region("Raw JSON").text
    assert marks(search("region")) == ["Region"]
    assert "No match for “<i>”." in search("<i>").text
    assert member_client.get(run_url(run["id"]), {"find": "x" * 201}).status_code == 400


def test_every_key_links_to_its_value(project: Project, member_client: Client) -> None:
    usage = {"prompt_tokens": 1, "cost": 1.50, "odd": [None, {}]}
    run = factories.run_object(metadata={"a/b ~ü?&#": "ä"}, usage=usage, tools=[])
    factories.post(project, run)
    urls = {link.text: link.url for link in open_run(member_client, run).region("Raw JSON").find_all("link")}
    expected = {"a/b ~ü?&#": "ä", "cost": 1.5, "0": None, "1": {}, "id": run["id"], "/usage/odd": [None, {}]}
    assert {name: member_client.get(urls[name]).json() for name in expected} == expected


def test_download_is_the_posted_object(project: Project, member_client: Client) -> None:
    run = factories.run_object(temperature=1.0, vendor="\ud800")
    factories.post(project, run)
    url = run_json_url(run["id"])
    response = member_client.get(url)
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == run
    assert "Content-Disposition" not in response
    assert member_client.get(url + "?download=1")["Content-Disposition"] == f'attachment; filename="{run["id"]}.json"'


def test_pointer_selects_a_value(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    url = run_json_url(run["id"])
    assert member_client.get(url, {"at": "/metadata/customer"}).content == b'"acme"'
    assert member_client.get(url, {"at": "/nothing"}).status_code == 404


@pytest.mark.parametrize("query", ["download=yes", "ta=/x", "at=/id&at=/status"])
def test_invalid_json_parameter_gets_400(project: Project, member_client: Client, query: str) -> None:
    run = factories.run_object()
    factories.post(project, run)
    assert member_client.get(f"{run_json_url(run['id'])}?{query}").status_code == 400


def nest_lists(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_deep_nesting_is_shown(project: Project, member_client: Client) -> None:
    run = factories.run_object(vendor=nest_lists(190), response_format={"type": "x", "x": nest_lists(190)})
    step = factories.step_object(run, factories.function_call("a", json.dumps(nest_lists(190)), "[" * 5000))
    odd = factories.step_object(run, type="odd", step_details={"type": "odd", "deep": nest_lists(190)})
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, step, odd).errors
    page = open_run(member_client, run)
    for section in ("Raw JSON", "Timeline", "Configuration"):
        assert "[" * 100 in page.region(section).text.replace(" ", "")
