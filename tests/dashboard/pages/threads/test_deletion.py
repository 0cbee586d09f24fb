"""Tests for deleting a thread."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import AuditEvent, Message, Project, Run
from tests import factories
from tests.pages import Page

URL = "/p/default/threads/thread_first/delete"


@pytest.fixture
def thread(project: Project) -> Project:
    run = factories.run_object(thread_id="thread_first")
    factories.post(project, run)
    factories.post_messages(project, factories.message_object(run))
    return project


def sign_in(client: Client, project: Project, role: str) -> None:
    client.force_login(factories.make_user(project, role, name=role))


def test_thread_is_deleted_after_confirmation(client: Client, thread: Project) -> None:
    sign_in(client, thread, "admin")
    form = Page(client.get("/p/default/threads/thread_first/")).main.form("Delete…")
    confirmation = Page(client.post(form.url, dict(form.values))).main.form("Delete")
    refused = client.post(confirmation.url, {**dict(confirmation.values), "confirm": "yes"})
    assert refused.status_code == 400
    assert Page(refused).alert()
    assert Run.objects.exists()
    deleted = client.post(confirmation.url, {**dict(confirmation.values), "confirm": "delete"}, follow=True)
    assert Page(deleted).status().text == "Deleted 1 run, 0 steps and 1 message."
    assert not Run.objects.exists()
    assert not Message.objects.exists()
    event = AuditEvent.objects.get(category="deletion")
    assert str(event) == "admin deleted the thread thread_first: 1 run, 0 steps and 1 message"
    assert client.post(URL, {"confirm": "delete"}).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_delete_threads(client: Client, thread: Project, role: str) -> None:
    sign_in(client, thread, role)
    run = Run.objects.get()
    for path in ("/p/default/threads/thread_first/", reverse("run", args=["default", run.external_id])):
        assert not Page(client.get(path)).has("button", "Delete…")
    assert client.post(URL, {"confirm": "delete"}).status_code == 403
    assert Run.objects.exists()
