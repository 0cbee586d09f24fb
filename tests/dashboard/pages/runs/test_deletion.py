"""Tests for deleting the selected runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs.models import Project, Run
from tests import factories
from tests.pages import Page

URL = "/p/default/delete/"


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin"))
    return client


def test_typed_confirmation_deletes_and_redirects(admin_client: Client, project: Project) -> None:
    deleted, kept = factories.post_run(project), factories.post_run(project)
    response = admin_client.post(
        URL, {"run": str(deleted.pk), "confirm": "delete", "query": "status=completed&sort=duration"}
    )
    assert (response.status_code, response["Location"]) == (
        302,
        "/p/default/runs/?status=completed&sort=duration",
    )
    assert list(Run.objects.all()) == [kept]
    assert Page(admin_client.get(response["Location"])).status().text == "Deleted 1 run, 0 steps and 0 messages."


@pytest.mark.parametrize(("typed", "status"), [({}, 200), ({"confirm": ""}, 200), ({"confirm": "yes"}, 400)], ids=str)
def test_missing_confirmation_renders_confirmation_page(
    admin_client: Client, project: Project, typed: dict[str, str], status: int
) -> None:
    run = factories.post_run(project)
    response = admin_client.post(URL, {"run": str(run.pk)} | typed)
    assert response.status_code == status
    page = Page(response)
    assert page.main.has("heading", "Delete 1 run?")
    assert ("run", str(run.pk)) in page.main.form("Delete").values
    assert page.has("alert") is (status == 400)
    assert Run.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_delete_runs(project: Project, client: Client, role: str) -> None:
    run = factories.post_run(project)
    client.force_login(factories.make_user(project, role=role))
    posted = {"run": str(run.pk), "confirm": "delete"}
    assert client.post(URL, posted).status_code == 403
    assert not Page(client.get("/p/default/runs/")).has("button", "Delete…")
    assert Run.objects.count() == 1


def test_administrator_of_another_project_gets_404(client: Client, project: Project) -> None:
    run = factories.post_run(project)
    other = factories.make_project("other")
    client.force_login(factories.make_user(other, role="admin"))
    posted = {"run": str(run.pk), "confirm": "delete"}
    assert client.post(URL, posted).status_code == 404
    assert client.post("/p/other/delete/", posted).status_code == 302
    assert Run.objects.count() == 1


@pytest.mark.parametrize("posted", [{}, {"run": "x"}], ids=str)
def test_empty_selection_shows_message(admin_client: Client, project: Project, posted: Any) -> None:
    factories.post_run(project)
    response = admin_client.post(URL, posted | {"confirm": "delete"}, follow=True)
    assert Page(response).status().text == "No runs are selected."
    assert Run.objects.count() == 1


def test_deletion_requires_post_and_csrf_token(project: Project) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.make_user(project, role="admin"))
    assert strict.get(URL).status_code == 405
    assert strict.post(URL, {"confirm": "delete"}).status_code == 403
