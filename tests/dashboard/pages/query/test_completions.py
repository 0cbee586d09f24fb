"""Completions for the query input."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page

URL = "/p/default/suggest/"


def fetch_options(client: Client, text: str, at: int | None = None) -> list[tuple[str | None, ...]]:
    """Return the text, start and end of each option."""
    response = client.get(URL, {"q": text, "at": str(len(text) if at is None else at)})
    assert response.status_code == 200
    attributes = ("data-text", "data-start", "data-end")
    return [tuple(map(option.get, attributes)) for option in Page(response).find_all("option")]


def test_completions_match_cursor_position(member_client: Client, project: Project) -> None:
    factories.post(project, factories.run_object(model="gpt-4o"), factories.run_object(model="gpt-4.1"))
    assert fetch_options(member_client, "stat") == [("status:", "0", "4")]
    assert {text for text, _, _ in fetch_options(member_client, "id:x model:gp")} == {"gpt-4o", "gpt-4.1"}
    assert fetch_options(member_client, "stat model:x", 4)[0] == ("status:", "0", "4")


def test_values_of_other_projects_are_hidden(member_client: Client, project: Project) -> None:
    factories.post(factories.make_project("other"), factories.run_object(model="secret-model"))
    assert fetch_options(member_client, "model:secret") == []


def test_values_are_escaped(member_client: Client, project: Project) -> None:
    factories.post(project, factories.run_object(model='"><script>'))
    body = member_client.get(URL, {"q": "model:", "at": "6"}).content.decode()
    assert "<script>" not in body
    assert "script" in body


@pytest.mark.parametrize("query", ["q=x", "q=x&at=-1", "q=x&at=a", "q=x&at=99999999999", f"q={'x' * 4001}&at=1"])
def test_invalid_params_get_400(member_client: Client, query: str) -> None:
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_anonymous_user_is_redirected_to_sign_in(client: Client, project: Project) -> None:
    assert client.get(URL, {"q": "", "at": "0"}).status_code == 302
