"""Tests for the columns that each user selects."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dashboard.ui import run_columns
from runs.models import Project, User
from tests import factories
from tests.pages import Page

URL = "/p/default/prefs/columns"
LIST = "/p/default/runs/"


def columns(client: Client) -> list[str]:
    return Page(client.get(LIST)).table(re.compile("^Runs")).columns


def test_selected_columns_are_stored_and_redirect_to_list(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    assert columns(member_client) == [
        "Select", "Status", "Created", "Run", "Duration", "Assistant", "Model", "Tools called", "Tokens", "Cost",
        "Metadata", "Tags", "Error",
    ]  # fmt: skip
    response = member_client.post(URL, {"column": ["thread", "tokens"], "query": "status=completed"})
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?status=completed")
    assert columns(member_client) == ["Select", "Status", "Created", "Run", "Thread", "Tokens", "Error"]
    member_client.post(URL, {})
    assert columns(member_client) == ["Select", "Status", "Created", "Run", "Error"]


def test_selected_columns_belong_to_one_user(member_client: Client, client: Client, project: Project) -> None:
    factories.post_run(project)
    member_client.post(URL, {"column": ["thread"]})
    client.force_login(factories.make_user(project))
    assert "Duration" in columns(client)


def test_htmx_request_gets_results_of_same_list(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    swap = {"HX-Request": "true", "HX-Target": "results"}
    response = member_client.post(URL, {"column": ["model"]}, headers=swap, follow=True)
    page = Page(response)
    assert not page.has("main")
    columns = page.table(re.compile("^Runs")).columns
    assert "Model" in columns
    assert "Tokens" not in columns


def test_hidden_tools_column_runs_no_query(member_client: Client, project: Project, django_assert_num_queries) -> None:
    factories.post_run(project)
    member_client.post(URL, {"column": ["model"]})
    # session, user, project; rows
    with django_assert_num_queries(4):
        member_client.get(LIST, headers={"HX-Request": "true", "HX-Target": "rows"})


def test_columns_keep_their_order_and_width(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    member_client.post(URL, {"column": ["tokens", "model:180", "duration"]})
    table = Page(member_client.get(LIST)).table(re.compile("^Runs"))
    assert table.columns == ["Select", "Status", "Created", "Run", "Tokens", "Model", "Duration", "Error"]
    assert table.rows[0]["Model"].get("width") == "180"
    assert not table.rows[0]["Tokens"].get("width")
    address = f"{LIST}?columns=model%3A90%2Ccost"
    assert Page(member_client.get(address)).table(re.compile("^Runs")).rows[0]["Model"].get("width") == "90"


def test_metadata_key_is_added_as_column(member_client: Client, project: Project) -> None:
    key = "a,b:c%/ü"
    factories.post_run(project, id="run_1", metadata={key: "x" * 40, "other": "y"})
    factories.post_run(project, id="run_2", metadata={})
    assert key in {option.get("value") for option in Page(member_client.get(f"{URL}/keys")).find_all("option")}
    response = member_client.post(URL, {"column": ["model"], "key": key}, follow=True)
    table = Page(response).table(re.compile("^Runs"))
    assert table.columns == ["Select", "Status", "Created", "Run", "Model", key, "Error"]
    assert (table.row("run_1")[key].text, table.row("run_2")[key].text) == ("x" * 40, "—")


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ({"column": ["secret"]}, "Unknown column 'secret'"),
        ({"column": ["model", "model:90"]}, "'model' occurs more than once"),
        ({"column": ["model:9"]}, "Width '9' of 'model': expected 40 to 900 pixels"),
        ({"column": ["model:²00"]}, "expected 40 to 900 pixels"),
        ({"key": "nobody"}, "No run of the project has the metadata key 'nobody'"),
        ({"key": "x" * 201}, "expected a key of 1 to 200 characters"),
        ({"column": [f"metadata.key{number}" for number in range(21)]}, "expected at most 20"),
    ],
)
def test_invalid_columns_are_refused_in_the_menu(
    member_client: Client, project: Project, posted: dict[str, Any], message: str
) -> None:
    swap = {"HX-Request": "true", "HX-Target": "results"}
    response = member_client.post(URL, posted, headers=swap)
    assert (response.status_code, response["HX-Retarget"]) == (422, "#columns")
    assert message.lower() in Page(response).alert().text.lower()
    page = Page(member_client.post(URL, posted, follow=True))
    assert "The columns were not changed" in page.main.text


def test_columns_belong_to_one_project(member: User, project: Project) -> None:
    other = factories.make_project("other")
    run_columns.save_preferred_columns(member, project, ["model"])
    assert [column.name for column in run_columns.preferred_columns(member, project)] == ["model"]
    assert run_columns.preferred_columns(member, other) == run_columns.DEFAULT_COLUMNS


def test_columns_that_no_longer_exist_are_ignored(member: User, project: Project) -> None:
    member.preferences = {"columns": ["model", "gone", "duration"]}  # stored before columns had an order
    assert [column.name for column in run_columns.preferred_columns(member, project)] == ["duration", "model"]
    member.preferences = {"run_columns": {project.slug: ["gone", "model:5", "tokens", "tokens:80"]}}
    assert [str(column) for column in run_columns.preferred_columns(member, project)] == ["tokens"]


@pytest.mark.parametrize("query", ["status=faild", "sort=price", "cursor=x&q=("])
def test_invalid_list_query_redirects_to_all_runs(member_client: Client, query: str) -> None:
    assert member_client.post(URL, {"query": query})["Location"] == LIST
