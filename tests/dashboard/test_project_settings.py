"""Settings of a project: for its administrators, secrets shown once, every change recorded."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import ApiKey, AuditEvent, Membership, Project, User
from runs.team.api_keys import find_api_key
from tests import factories

URL = "/p/default/settings/"
POSTS = ["settings/name", "settings/keys", "settings/members"]


@pytest.fixture
def admin(project: Project) -> User:
    return factories.make_user(project, role="admin", name="ada")


@pytest.fixture
def admin_client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def events(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_others_neither_see_nor_change_settings(client: Client, project: Project, role: str) -> None:
    client.force_login(factories.make_user(project, role=role))
    assert client.get(URL).status_code == 403
    for path in POSTS:
        assert client.post(f"/p/default/{path}", {"name": "x", "scopes": "read", "role": "admin"}).status_code == 403
    assert "Settings" not in client.get("/p/default/runs/").content.decode()
    assert (ApiKey.objects.count(), Membership.objects.count()) == (0, 1)


def test_an_administrator_of_another_project_finds_nothing(admin_client: Client) -> None:
    factories.make_project("other")
    assert admin_client.get("/p/other/settings/").status_code == 404
    assert admin_client.post("/p/other/settings/keys", {"name": "x", "scopes": "read"}).status_code == 404


def test_an_unknown_parameter_is_refused(admin_client: Client) -> None:
    assert admin_client.get(URL + "?page=2").status_code == 400


def test_a_key_is_shown_once_works_and_can_be_revoked(admin_client: Client, project: Project) -> None:
    made = admin_client.post(f"{URL}keys", {"name": "nightly <import>", "scopes": ["ingest"]})
    (secret,) = set(re.findall(r"rg_[\w-]{40,}", made.content.decode()))
    key = find_api_key(secret)
    assert key is not None
    assert (key.name, key.scopes, key.project) == ("nightly <import>", ["ingest"], project)
    assert "no-store" in made["Cache-Control"]
    later = admin_client.get(URL).content.decode()
    assert secret not in later
    assert "nightly &lt;import&gt;" in later
    assert admin_client.post(f"{URL}keys/{key.pk}").status_code == 302
    assert find_api_key(secret) is None
    assert events(project) == [
        f"ada revoked the API key nightly <import> ({key.prefix}…)",
        "ada made the API key nightly <import> (ingest)",
    ]


@pytest.mark.parametrize(
    ("form", "field"),
    [({"name": "", "scopes": "read"}, "name"), ({"name": "x"}, "scopes"), ({"name": "x", "scopes": "all"}, "scopes")],
)
def test_a_key_without_name_or_with_odd_scopes_is_refused(
    admin_client: Client, form: dict[str, str], field: str
) -> None:
    answer = admin_client.post(f"{URL}keys", form)
    assert answer.status_code == 422
    assert f"<b>{field}</b>" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_of_another_project_is_out_of_reach(admin_client: Client) -> None:
    secret = factories.make_key(factories.make_project("other"))
    key = find_api_key(secret)
    assert key is not None
    assert admin_client.post(f"{URL}keys/{key.pk}").status_code == 404
    assert find_api_key(secret) is not None


def test_a_new_person_gets_a_password_that_is_shown_once(admin_client: Client, project: Project) -> None:
    made = admin_client.post(f"{URL}members", {"name": "grace", "role": "member"}).content.decode()
    (password,) = re.findall(r'id="password">([^<]+)<', made)
    assert Client().post("/login/", {"username": "grace", "password": password}).status_code == 302
    assert password not in admin_client.get(URL).content.decode()
    assert Membership.objects.get(user__username="grace").role == "member"
    assert events(project) == ["ada made grace a member"]


def test_somebody_who_is_here_already_joins_with_their_own_password(admin_client: Client, project: Project) -> None:
    user = factories.make_user(factories.make_project("other"), name="grace")
    assert admin_client.post(f"{URL}members", {"name": "grace", "role": "viewer"}).status_code == 302
    assert factories.role_of(user, project) == "viewer"
    assert user.check_password(factories.PASSWORD)


@pytest.mark.parametrize("name", ["ada", "", "no spaces", "x" * 151])
def test_names_that_can_not_be_members_are_refused(admin_client: Client, name: str) -> None:
    answer = admin_client.post(f"{URL}members", {"name": name, "role": "viewer"})
    assert answer.status_code == 422
    assert "<b>name</b>" in answer.content.decode()
    assert get_user_model().objects.count() == 1


def test_roles_change_and_members_leave(admin_client: Client, project: Project) -> None:
    grace = factories.make_user(project, role="viewer", name="grace")
    path = f"{URL}members/{Membership.objects.get(user=grace).pk}"
    admin_client.post(path, {"role": "member"})
    assert factories.role_of(grace, project) == "member"
    admin_client.post(path, {"role": "remove"})
    assert factories.role_of(grace, project) == ""
    assert events(project) == ["ada took grace out of the project", "ada made grace a member"]


@pytest.mark.parametrize("role", ["viewer", "remove"])
def test_the_last_administrator_stays(admin_client: Client, admin: User, project: Project, role: str) -> None:
    path = f"{URL}members/{Membership.objects.get(user=admin).pk}"
    answer = admin_client.post(path, {"role": role}, follow=True)
    assert "this is the last one" in answer.content.decode()
    assert factories.role_of(admin, project) == "admin"
    assert events(project) == []


def test_one_of_two_administrators_may_leave(admin_client: Client, admin: User, project: Project) -> None:
    factories.make_user(project, role="admin")
    path = f"{URL}members/{Membership.objects.get(user=admin).pk}"
    assert admin_client.post(path, {"role": "remove"})["Location"] == "/"


def test_the_project_is_renamed(admin_client: Client, project: Project) -> None:
    admin_client.post(f"{URL}name", {"name": "Support"})
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Support", "default")
    assert admin_client.post(f"{URL}name", {"name": ""}).status_code == 422


def test_the_page_costs_the_same_however_many_there_are(
    admin_client: Client, project: Project, django_assert_num_queries
) -> None:
    for _ in range(5):
        factories.make_key(project)
        factories.make_user(project)
    # session, user, project with the role; keys, members, events; the shell's projects and roles
    with django_assert_num_queries(8):
        admin_client.get(URL)


def test_deleting_runs_is_recorded(admin_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    admin_client.post("/p/default/delete/", {"run": str(run.pk), "confirm": "delete"})
    assert events(project) == [f"ada deleted the run {run.external_id}"]
