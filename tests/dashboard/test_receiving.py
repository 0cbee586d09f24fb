"""The top of the page tells whether runs still come in."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from runs.models import Project, Run
from tests import factories

URL = "/p/default/receiving/"


def test_it_tells_when_the_last_run_was_received(member_client: Client, project: Project) -> None:
    assert "Nothing received yet" in member_client.get(URL).content.decode()
    factories.post_run(factories.make_project("other"))
    assert "Nothing received yet" in member_client.get(URL).content.decode()
    factories.post_run(project)
    assert "Receiving · <time" in member_client.get(URL).content.decode()
    Run.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert "Last received · <time" in (shown := member_client.get(URL).content.decode())
    assert "2 h ago" in shown


def test_pages_ask_for_it_on_their_own(member_client: Client, django_assert_num_queries) -> None:
    shown = member_client.get("/p/default/connect/").content.decode()
    assert f'hx-get="{URL}" hx-trigger="load, every 15s"' in shown
    # session, user, project; the newest arrival
    with django_assert_num_queries(4):
        answer = member_client.get(URL).content.decode()
    assert 'hx-trigger="every 15s"' in answer


def test_others_learn_nothing(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404
