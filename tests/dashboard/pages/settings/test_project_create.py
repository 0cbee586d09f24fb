"""Superusers create projects."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Membership, Project, User
from tests import factories
from tests.pages import Page

URL = "/projects/new/"


@pytest.fixture
def superuser_client(project: Project) -> Client:
    user = User.objects.create_superuser("admin", password=factories.PASSWORD)
    Membership.objects.create(user=user, project=project, role="admin")
    client = Client()
    client.force_login(user)
    return client


def test_other_users_get_403(member_client: Client) -> None:
    assert member_client.get(URL).status_code == 403
    assert member_client.post(URL, {"name": "Support", "slug": "support"}).status_code == 403
    assert not Page(member_client.get("/p/default/runs/")).has("link", "New project…")


def test_new_project_leads_to_its_connect_page(superuser_client: Client) -> None:
    assert Page(superuser_client.get("/p/default/runs/")).link("New project…").url == URL
    response = superuser_client.post(URL, {"name": "Support", "slug": "support-prod"})
    assert response["Location"] == "/p/support-prod/connect/"
    assert superuser_client.get("/p/support-prod/settings/").status_code == 200


@pytest.mark.parametrize("slug", ["", "default", "not a slug", "x" * 51])
def test_invalid_or_taken_slug_is_rejected(superuser_client: Client, slug: str) -> None:
    response = superuser_client.post(URL, {"name": "Support", "slug": slug})
    assert response.status_code == 422
    assert Page(response).alert().text.startswith("Slug: ")
    assert Project.objects.count() == 1


def test_taken_slug_is_explained(superuser_client: Client) -> None:
    response = superuser_client.post(URL, {"name": "Support", "slug": "default"})
    assert Page(response).alert().text == "Slug: Another project has this slug. Choose another one."
