"""The settings of a project: administrators only, secrets shown once, every change recorded."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.models import ApiKey, AuditEvent, Membership, Project, User
from runs.team.api_keys import find_api_key
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/"
POST_URLS = [f"{URL}name", f"{URL}keys", f"{URL}members"]


@pytest.fixture
def admin(project: Project) -> User:
    return factories.make_user(project, role="admin", name="ada")


@pytest.fixture
def admin_client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def audit_log(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_use_settings(client: Client, project: Project, role: str) -> None:
    client.force_login(factories.make_user(project, role=role))
    assert client.get(URL).status_code == 403
    for url in POST_URLS:
        assert client.post(url, {"name": "x", "scopes": "read", "role": "admin"}).status_code == 403
    assert not Page(client.get("/p/default/runs/")).has("link", "Settings")
    assert (ApiKey.objects.count(), Membership.objects.count()) == (0, 1)


def test_administrators_of_other_projects_get_404(admin_client: Client) -> None:
    factories.make_project("other")
    assert admin_client.get("/p/other/settings/").status_code == 404
    assert admin_client.post("/p/other/settings/keys", {"name": "x", "scopes": "read"}).status_code == 404


def test_unknown_parameter_is_rejected(admin_client: Client) -> None:
    assert admin_client.get(URL + "?page=2").status_code == 400


def test_created_key_works_until_revoked(admin_client: Client, project: Project) -> None:
    created = admin_client.post(f"{URL}keys", {"name": "nightly <import>", "scopes": ["ingest"]})
    secret = Page(created).button("Copy key").get("data-copy") or ""
    assert secret in Page(created).status().text
    key = find_api_key(secret)
    assert key is not None
    assert (key.name, key.scopes, key.project) == ("nightly <import>", ["ingest"], project)
    assert "no-store" in created["Cache-Control"]
    later = admin_client.get(URL)
    assert secret not in later.content.decode()
    row = Page(later).table("API keys").row("nightly <import>")
    assert (row["Scopes"].text, row["Last used"].text != "never") == ("ingest", True)
    assert admin_client.post(f"{URL}keys/{key.pk}").status_code == 302
    assert find_api_key(secret) is None
    assert audit_log(project) == [
        f"ada revoked the API key nightly <import> ({key.prefix}…)",
        "ada created the API key nightly <import> (ingest)",
    ]


def test_key_expires_after_the_chosen_time(admin_client: Client, project: Project) -> None:
    form = {"name": "script", "scopes": "read", "expires_in_days": "90"}
    created = admin_client.post(f"{URL}keys", form)
    row = Page(created).table("API keys").row("script")
    assert row["Expires"].text not in ("", "never")
    assert audit_log(project) == ["ada created the API key script (read, expires in 90 days)"]
    ApiKey.objects.update(expires_at=timezone.now())
    row = Page(admin_client.get(URL)).table("API keys").row("script")
    assert row["Expires"].text.startswith("expired")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "", "scopes": "read"}, "Name"),
        ({"name": "x", "scopes": "read", "expires_in_days": "7"}, "Expires in days"),
        ({"name": "x"}, "Scopes"),
        ({"name": "x", "scopes": "all"}, "Scopes"),
    ],
)
def test_invalid_key_form_names_the_field(admin_client: Client, form: dict[str, str], field: str) -> None:
    response = admin_client.post(f"{URL}keys", form)
    assert response.status_code == 422
    assert Page(response).region("API keys").alert().text.startswith(field)
    assert not ApiKey.objects.exists()


def test_key_of_another_project_gets_404(admin_client: Client) -> None:
    secret = factories.make_key(factories.make_project("other"))
    key = find_api_key(secret)
    assert key is not None
    assert admin_client.post(f"{URL}keys/{key.pk}").status_code == 404
    assert find_api_key(secret) is not None


def test_new_user_gets_password_shown_once(admin_client: Client, project: Project) -> None:
    added = Page(admin_client.post(f"{URL}members", {"name": "grace", "role": "member"}))
    password = added.button("Copy password").get("data-copy") or ""
    assert password in added.status().text
    assert Client().post("/login/", {"username": "grace", "password": password}).status_code == 302
    assert password not in admin_client.get(URL).content.decode()
    assert Membership.objects.get(user__username="grace").role == "member"
    assert audit_log(project) == ["ada added grace as member"]


def test_existing_user_keeps_password(admin_client: Client, project: Project) -> None:
    user = factories.make_user(factories.make_project("other"), name="grace")
    assert admin_client.post(f"{URL}members", {"name": "grace", "role": "viewer"}).status_code == 302
    assert factories.role_of(user, project) == "viewer"
    assert user.check_password(factories.PASSWORD)


@pytest.mark.parametrize("name", ["ada", "", "no spaces", "x" * 151])
def test_invalid_member_name_is_rejected(admin_client: Client, name: str) -> None:
    response = admin_client.post(f"{URL}members", {"name": name, "role": "viewer"})
    assert response.status_code == 422
    assert Page(response).region("Members").alert().text.startswith("Name")
    assert get_user_model().objects.count() == 1


def test_members_change_roles_and_leave(admin_client: Client, project: Project) -> None:
    grace = factories.make_user(project, role="viewer", name="grace")
    url = f"{URL}members/{Membership.objects.get(user=grace).pk}"
    admin_client.post(url, {"role": "member"})
    assert factories.role_of(grace, project) == "member"
    admin_client.post(url, {"role": "remove"})
    assert factories.role_of(grace, project) == ""
    assert audit_log(project) == ["ada removed grace from the project", "ada changed the role of grace to member"]


@pytest.mark.parametrize("role", ["viewer", "remove"])
def test_last_administrator_stays(admin_client: Client, admin: User, project: Project, role: str) -> None:
    url = f"{URL}members/{Membership.objects.get(user=admin).pk}"
    page = Page(admin_client.post(url, {"role": role}, follow=True))
    assert page.status().text == "A project needs an administrator, and this is the last one."
    assert factories.role_of(admin, project) == "admin"
    assert audit_log(project) == []


def test_one_of_two_administrators_may_leave(admin_client: Client, admin: User, project: Project) -> None:
    factories.make_user(project, role="admin")
    url = f"{URL}members/{Membership.objects.get(user=admin).pk}"
    assert admin_client.post(url, {"role": "remove"})["Location"] == "/"


def test_project_is_renamed(admin_client: Client, project: Project) -> None:
    admin_client.post(f"{URL}name", {"name": "Support"})
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Support", "default")
    assert admin_client.post(f"{URL}name", {"name": ""}).status_code == 422


def test_agent_key_is_changed_and_recorded(admin_client: Client, project: Project) -> None:
    changed = admin_client.post(f"{URL}agent-key", {"agent_metadata_key": "team"}, follow=True)
    assert "in the background. This is in progress." in Page(changed).region("Assistants of responses").text
    assert Page(changed).field("Metadata key").value == "team"
    assert audit_log(project) == ["ada changed the metadata key that names agents from agent to team"]
    admin_client.post(f"{URL}agent-key", {"agent_metadata_key": "team"})
    assert len(audit_log(project)) == 1


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x07b"])
def test_invalid_agent_key_is_explained(admin_client: Client, project: Project, name: str) -> None:
    refused = admin_client.post(f"{URL}agent-key", {"agent_metadata_key": name})
    assert refused.status_code == 422
    assert Page(refused).alert().text.startswith("Metadata key")
    project.refresh_from_db()
    assert project.agent_metadata_key == "agent"


def test_number_of_queries_is_constant(
    admin_client: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        factories.make_key(project)
        factories.make_user(project)
    # session, user, project with the role; keys, members, events; the shell's projects and roles
    with django_assert_num_queries(8):
        admin_client.get(URL)


def test_deletion_of_runs_is_recorded(admin_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    admin_client.post("/p/default/delete/", {"run": str(run.pk), "confirm": "delete"})
    assert audit_log(project) == [f"ada deleted the run {run.external_id}: 1 run, 0 steps and 0 messages"]
    assert f"ada deleted the run {run.external_id}" in Page(admin_client.get(URL)).region("Audit log").text
