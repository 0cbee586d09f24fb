"""Deleting selected runs: asked twice, typed, by administrators alone, and only of their project."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs.models import Project, Run
from tests import factories

URL = "/p/default/delete/"


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin"))
    return client


def test_the_typed_word_deletes_and_leads_back(admin_client: Client, project: Project) -> None:
    gone, kept = factories.post_run(project), factories.post_run(project)
    response = admin_client.post(
        URL, {"run": str(gone.pk), "confirm": "delete", "query": "status=completed&sort=duration"}
    )
    assert (response.status_code, response["Location"]) == (
        302,
        "/p/default/runs/?status=completed&sort=duration",
    )
    assert list(Run.objects.all()) == [kept]
    assert "Deleted 1 run." in admin_client.get(response["Location"]).content.decode()


@pytest.mark.parametrize(("typed", "status"), [({}, 200), ({"confirm": ""}, 200), ({"confirm": "yes"}, 400)], ids=str)
def test_without_the_word_the_question_is_asked_on_a_page(
    admin_client: Client, project: Project, typed: dict[str, str], status: int
) -> None:
    run = factories.post_run(project)
    response = admin_client.post(URL, {"run": str(run.pk)} | typed)
    assert response.status_code == status
    body = response.content.decode()
    assert "Delete 1 run?" in body
    assert f'name="run" value="{run.pk}"' in body
    assert Run.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_may(project: Project, client: Client, role: str) -> None:
    run = factories.post_run(project)
    client.force_login(factories.make_user(project, role=role))
    posted = {"run": str(run.pk), "confirm": "delete"}
    assert client.post(URL, posted).status_code == 403
    assert "Delete…" not in client.get("/p/default/runs/").content.decode()
    assert Run.objects.count() == 1


def test_an_administrator_elsewhere_may_not(client: Client, project: Project) -> None:
    run = factories.post_run(project)
    other = factories.make_project("other")
    client.force_login(factories.make_user(other, role="admin"))
    posted = {"run": str(run.pk), "confirm": "delete"}
    assert client.post(URL, posted).status_code == 404
    assert client.post("/p/other/delete/", posted).status_code == 302
    assert Run.objects.count() == 1


@pytest.mark.parametrize("posted", [{}, {"run": "x"}], ids=str)
def test_nothing_selected_is_said_in_the_list(admin_client: Client, project: Project, posted: Any) -> None:
    factories.post_run(project)
    response = admin_client.post(URL, posted | {"confirm": "delete"}, follow=True)
    assert "No runs are selected." in response.content.decode()
    assert Run.objects.count() == 1


def test_it_is_asked_for_by_post_and_with_a_token(project: Project) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.make_user(project, role="admin"))
    assert strict.get(URL).status_code == 405
    assert strict.post(URL, {"confirm": "delete"}).status_code == 403
