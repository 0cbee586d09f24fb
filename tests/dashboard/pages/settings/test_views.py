"""The settings of a project: administrators only, secrets shown once, every change recorded."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from runs.models import ApiKey, AuditEvent, Membership, Project
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/"
PAGES = [URL, f"{URL}keys/", f"{URL}members/"]
POST_URLS = [f"{URL}name", f"{URL}keys/", f"{URL}keys/limit", f"{URL}members/"]


def audit_log(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_use_settings(client: Client, project: Project, role: str) -> None:
    client.force_login(factories.make_user(project, role=role))
    assert {client.get(url).status_code for url in PAGES} == {403}
    for url in POST_URLS:
        assert client.post(url, {"name": "x", "scopes": "read", "role": "admin"}).status_code == 403
    assert not Page(client.get("/p/default/runs/")).has("link", "Settings")
    assert (ApiKey.objects.count(), Membership.objects.count()) == (0, 1)


def test_administrators_of_other_projects_get_404(admin_client: Client) -> None:
    factories.make_project("other")
    assert admin_client.get("/p/other/settings/").status_code == 404
    assert admin_client.post("/p/other/settings/keys/", {"name": "x", "scopes": "read"}).status_code == 404


def test_unknown_parameter_is_rejected(admin_client: Client) -> None:
    assert {admin_client.get(f"{url}?page=2").status_code for url in PAGES} == {400}


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


@pytest.mark.parametrize("url", PAGES)
def test_number_of_queries_is_constant(
    admin_client: Client, project: Project, url: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        factories.make_key(project)
        factories.make_user(project)
    # session, user, project with the role; keys or members; the shell's projects and roles
    with django_assert_num_queries(5 + (url != URL)):
        admin_client.get(url)


def test_tabs_lead_through_the_settings(admin_client: Client) -> None:
    for url in PAGES:
        links = Page(admin_client.get(url)).navigation("Settings").find_all("link")
        assert [link.url for link in links if link.is_current] == [url]
        assert len(links) == 7
