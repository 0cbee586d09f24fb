"""The commands that the palette offers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.pages.palette.commands import MAX_PALETTE_QUERIES
from runs.models import Project, User
from tests import factories
from tests.pages import Page

URL = "/p/default/palette/"


@pytest.fixture(autouse=True)
def stored_runs(project: Project) -> None:
    run = factories.run_object(id="run_abc1", thread_id="thread_x", assistant_id="asst_a")
    factories.post(project, run, factories.run_object(id="run_abc2"), factories.run_object(id="odd_%_id"))
    factories.post_assistants(project, asst_a="Refund desk")


def list_commands(client: Client, text: str) -> list[tuple[str, str | None]]:
    """Return the text and the URL or action of each command."""
    response = client.get(URL, {"text": text})
    assert response.status_code == 200
    options = Page(response).find_all("option")
    return [(option.text, option.get("data-url") or option.get("data-action")) for option in options]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("run_abc1", ("run_abc1 Run", "/p/default/runs/run_abc1/")),
        (" run_abc2 ", ("run_abc2 Run", "/p/default/runs/run_abc2/")),
        ("odd_%_id", ("odd_%_id Run", "/p/default/runs/odd_%25_id/")),
        ("thread_x", ("thread_x Thread", "/p/default/threads/thread_x/")),
        ("asst_a", ("asst_a Assistant", "/p/default/assistants/asst_a/")),
        ("refund", ("Refund desk Assistant", "/p/default/assistants/asst_a/")),
        ("usa", ("Usage Page", "/p/default/usage/")),
        ("dark theme", ("Use dark theme Action", "theme-dark")),
        ("zz:1 (", ("Runs with zz:1 ( Search", "/p/default/runs/?q=%22zz%3A1+%28%22")),
    ],
)
def test_text_finds_command(member_client: Client, text: str, first: tuple[str, str]) -> None:
    assert list_commands(member_client, text)[0] == first


def test_start_of_id_finds_runs(member_client: Client) -> None:
    labels = [label for label, _ in list_commands(member_client, "run_abc")]
    assert sorted(labels[:2]) == ["run_abc1 Run", "run_abc2 Run"]


def test_only_visible_objects_are_offered(member_client: Client, project: Project) -> None:
    other = factories.make_project("secret")
    factories.post(other, factories.run_object(id="run_hidden"))
    assert [label for label, _ in list_commands(member_client, "run_hidden")] == ["Runs with run_hidden Search"]
    assert [label for label, _ in list_commands(member_client, "secret")] == ["Runs with secret Search"]
    assert not any("API key" in label for label, _ in list_commands(member_client, "key"))
    assert member_client.get("/p/secret/palette/").status_code == 404


def test_other_project_of_member_is_offered(member_client: Client) -> None:
    other = factories.make_project("second")
    user = User.objects.get(pk=member_client.session["_auth_user_id"])
    other.memberships.create(user=user, role="viewer")
    assert any(url == "/p/second/runs/" for _, url in list_commands(member_client, "second"))


@pytest.mark.parametrize("text", ["\0", "x" * 257])
def test_invalid_text_gets_400(member_client: Client, text: str) -> None:
    assert member_client.get(URL, {"text": text}).status_code == 400


def test_query_count_is_bounded(member_client: Client, django_assert_max_num_queries: Any) -> None:
    member_client.get(URL)
    with django_assert_max_num_queries(MAX_PALETTE_QUERIES + 5):  # and those of session, user and membership
        list_commands(member_client, "nothing_like_it")
