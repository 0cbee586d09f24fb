"""Options for the query field."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from runs.models import Project
from tests import factories

URL = "/p/default/suggest/"


def options(client: Client, text: str, at: int | None = None) -> list[tuple[str, str, str]]:
    response = client.get(URL, {"q": text, "at": len(text) if at is None else at})
    assert response.status_code == 200
    found = r'data-text="([^"]*)" data-start="(\d+)" data-end="(\d+)"'
    return re.findall(found, response.content.decode())


def test_fields_and_values_are_suggested_where_the_cursor_is(member_client: Client, project: Project) -> None:
    factories.post(project, factories.run_object(model="gpt-4o"), factories.run_object(model="gpt-4.1"))
    assert options(member_client, "stat") == [("status:", "0", "4")]
    assert {text for text, _, _ in options(member_client, "id:x model:gp")} == {"gpt-4o", "gpt-4.1"}
    assert options(member_client, "stat model:x", 4)[0] == ("status:", "0", "4")


def test_values_of_other_projects_stay_there(member_client: Client, project: Project) -> None:
    factories.post(factories.make_project("other"), factories.run_object(model="secret-model"))
    assert options(member_client, "model:secret") == []


def test_hostile_values_are_escaped(member_client: Client, project: Project) -> None:
    factories.post(project, factories.run_object(model='"><script>'))
    body = member_client.get(URL, {"q": "model:", "at": 6}).content.decode()
    assert "<script>" not in body
    assert "script" in body


@pytest.mark.parametrize("query", ["q=x", "q=x&at=-1", "q=x&at=a", "q=x&at=99999999999", f"q={'x' * 4001}&at=1"])
def test_what_no_field_sends_is_refused(member_client: Client, query: str) -> None:
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_it_asks_for_a_login(client: Client, project: Project) -> None:
    assert client.get(URL, {"q": "", "at": 0}).status_code == 302
