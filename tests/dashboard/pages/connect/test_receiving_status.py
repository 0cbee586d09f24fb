"""The header of every page shows whether runs are arriving."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.models import Project, Run
from tests import factories
from tests.pages import Element, Page

URL = "/p/default/receiving/"


def receiving(page: Page) -> Element:
    return next(element for element in page.iterate() if element.get("id") == "receiving")


def test_status_shows_when_last_run_arrived(member_client: Client, project: Project) -> None:
    assert Page(member_client.get(URL)).text == "Nothing received yet"
    factories.post_run(factories.make_project("other"))
    assert Page(member_client.get(URL)).text == "Nothing received yet"
    factories.post_run(project)
    assert Page(member_client.get(URL)).text.startswith("Receiving · ")
    Run.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert Page(member_client.get(URL)).text.startswith("Last received · 2 h ago")


def test_pages_poll_for_the_status(member_client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    status = receiving(Page(member_client.get("/p/default/connect/")))
    assert (status.get("hx-get"), status.get("hx-trigger")) == (URL, "load, every 15s")
    # session, user, project; the newest arrival
    with django_assert_num_queries(4):
        response = member_client.get(URL)
    assert receiving(Page(response)).get("hx-trigger") == "every 15s"


def test_non_member_gets_404(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404
