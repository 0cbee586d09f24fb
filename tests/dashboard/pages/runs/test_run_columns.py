"""Tests for the columns that each user selects."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dashboard.ui import run_columns
from runs.errors import InvalidFilter
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
        "Select", "Status", "Created", "Duration", "Run", "Assistant", "Model", "Tools called", "Tokens", "Cost",
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


def test_unknown_columns_are_rejected_and_removed_ones_ignored(member: User, member_client: Client) -> None:
    assert member_client.post(URL, {"column": ["secret"]}).status_code == 400
    with pytest.raises(InvalidFilter, match="unknown column 'secret'"):
        run_columns.save_preferred_columns(member, ["secret"])
    member.preferences = {"columns": ["model", "gone"]}
    assert run_columns.preferred_columns(member) == {"model"}


@pytest.mark.parametrize("query", ["status=faild", "sort=price", "cursor=x&q=("])
def test_invalid_list_query_redirects_to_all_runs(member_client: Client, query: str) -> None:
    assert member_client.post(URL, {"query": query})["Location"] == LIST
