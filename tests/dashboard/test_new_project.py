"""Projects are made by administrators of the server, and passwords changed by their owners."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Membership, Project, User
from tests import factories

URL = "/projects/new/"


@pytest.fixture
def server_admin(project: Project) -> Client:
    user = User.objects.create_superuser("admin", password=factories.PASSWORD)
    Membership.objects.create(user=user, project=project, role="admin")
    client = Client()
    client.force_login(user)
    return client


def test_others_may_not(member_client: Client) -> None:
    assert member_client.get(URL).status_code == 403
    assert member_client.post(URL, {"name": "Support", "slug": "support"}).status_code == 403
    assert "New project" not in member_client.get("/p/default/runs/").content.decode()


def test_a_project_is_made_and_connected_next(server_admin: Client) -> None:
    assert 'href="/projects/new/"' in server_admin.get("/p/default/runs/").content.decode()
    answer = server_admin.post(URL, {"name": "Support", "slug": "support-prod"})
    assert answer["Location"] == "/p/support-prod/connect/"
    assert server_admin.get("/p/support-prod/settings/").status_code == 200


@pytest.mark.parametrize("slug", ["", "default", "not a slug", "x" * 51])
def test_a_short_name_must_be_one_and_be_free(server_admin: Client, slug: str) -> None:
    answer = server_admin.post(URL, {"name": "Support", "slug": slug})
    assert answer.status_code == 422
    assert "<b>slug</b>" in answer.content.decode()
    assert Project.objects.count() == 1


def test_a_password_is_changed_by_who_knows_it(member_client: Client, member: User) -> None:
    new = {"new_password1": "a much better one", "new_password2": "a much better one"}
    wrong = member_client.post("/account/password/", {"old_password": "guess", **new})
    assert (wrong.status_code, "<b>old_password</b>" in wrong.content.decode()) == (422, True)
    weak = member_client.post(
        "/account/password/", {"old_password": factories.PASSWORD, "new_password1": "short", "new_password2": "short"}
    )
    assert weak.status_code == 422
    assert member_client.post("/account/password/", {"old_password": factories.PASSWORD, **new}).status_code == 302
    assert member_client.get("/p/default/runs/").status_code == 200
    signed_in = Client().post("/login/", {"username": member.username, "password": "a much better one"})
    assert signed_in.status_code == 302
