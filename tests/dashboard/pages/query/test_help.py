"""The reference of the query language."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from runs.query.query_help import LIMITS_HELP, SYNTAX_HELP, VALUE_HELP, HelpEntry, build_field_help
from tests import factories
from tests.pages import Page, Table

URL = "/p/default/language/"


def read_entries(table: Table) -> list[HelpEntry]:
    """Return the rows of a table, with the code without its backticks."""
    return [
        HelpEntry(row.cells[0].text, row.cells[1].text, tuple(link.text for link in row.element.find_all("link")))
        for row in table.rows
    ]


def without_backticks(entries: tuple[HelpEntry, ...]) -> list[HelpEntry]:
    return [
        HelpEntry(entry.syntax.replace("`", ""), entry.meaning.replace("`", ""), entry.examples) for entry in entries
    ]


def test_page_shows_whole_reference(member_client: Client, project: Project) -> None:
    page = Page(member_client.get(URL))
    assert read_entries(page.table("Combining terms")) == without_backticks(SYNTAX_HELP)
    assert read_entries(page.table("Values")) == without_backticks(VALUE_HELP)
    assert read_entries(page.table("Fields")) == without_backticks(build_field_help())
    assert LIMITS_HELP in page.text


def test_examples_open_run_list(member_client: Client, project: Project) -> None:
    tables = Page(member_client.get(URL)).main.find_all("table")
    links = [link.url for table in tables for link in table.find_all("link")]
    assert all(link.startswith("/p/default/runs/?q=") for link in links)
    assert all(member_client.get(link).status_code == 200 for link in links[:: len(links) // 6])


@pytest.mark.parametrize("page", ["runs", "errors", "usage", "actions", "threads", "assistants"])
def test_every_query_field_links_to_page(member_client: Client, project: Project, page: str) -> None:
    factories.post(project, factories.run_object())
    for query in ("", "?q=("):
        links = Page(member_client.get(f"/p/default/{page}/{query}")).find_all("link")
        assert [link.url for link in links].count(URL) == 1


def test_dialog_gets_reference_without_page(member_client: Client, project: Project) -> None:
    headers = {"HX-Request": "true", "HX-Target": "query-help-content"}
    page = Page(member_client.get(URL, headers=headers))
    assert page.has("table", "Fields")
    assert not page.has("navigation", "Main")


def test_anonymous_user_is_redirected_to_sign_in(client: Client, project: Project) -> None:
    assert client.get(URL).status_code == 302
