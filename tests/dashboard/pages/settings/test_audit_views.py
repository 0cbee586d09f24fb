"""The audit log: events of the project for its administrators, those of the server for superusers."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import AuditEvent, Project, User
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/audit/"
Category = AuditEvent.Category


def record(project: Project | None, action: str, category: str = Category.CHANGE, address: str = "") -> None:
    AuditEvent.objects.record(project, "grace", action, category=category, address=address)


def read_actions(client: Client, query: str = "") -> list[str]:
    page = Page(client.get(URL + query))
    return page.table("Table of events").cells("What") if page.has("table") else []


def test_events_are_shown_with_address(admin_client: Client, project: Project) -> None:
    record(project, "deleted the run <r1>", Category.DELETION, "192.0.2.7")
    (row,) = Page(admin_client.get(URL)).table("Table of events").rows
    assert [cell.text for cell in row.cells][1:] == ["grace", "deleted the run <r1>", "192.0.2.7"]
    assert Page(admin_client.get("/p/default/settings/")).link("Audit log").url == URL


def test_deletion_of_runs_is_recorded(admin_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    admin_client.post("/p/default/delete/", {"run": str(run.pk), "confirm": "delete"})
    assert read_actions(admin_client) == [f"deleted the run {run.external_id}: 1 run, 0 steps and 0 messages"]


def test_events_are_filtered_by_category(admin_client: Client, project: Project) -> None:
    record(project, "deleted r1", Category.DELETION)
    record(project, "added ada", Category.MEMBER)
    record(factories.make_project("other"), "deleted r2", Category.DELETION)
    assert read_actions(admin_client) == ["added ada", "deleted r1"]
    link = Page(admin_client.get(URL)).link("Deletions")
    assert read_actions(admin_client, (link.url or "").removeprefix(URL)) == ["deleted r1"]


def test_older_events_are_on_further_pages(admin_client: Client, project: Project) -> None:
    for number in range(120):
        record(project, f"did {number}")
    seen, query = [], ""
    while True:
        page = Page(admin_client.get(URL + query))
        seen += page.table("Table of events").cells("What")
        if not page.has("link", "Older events"):
            break
        query = (page.link("Older events").url or "").removeprefix(URL)
    assert seen == [f"did {number}" for number in reversed(range(120))]


def test_events_of_the_server_need_a_superuser(admin_client: Client, project: Project) -> None:
    record(None, "signed in", Category.SIGN_IN)
    assert read_actions(admin_client) == []
    assert admin_client.get(f"{URL}?source=server").status_code == 403
    assert not Page(admin_client.get(URL)).has("link", "Server")
    User.objects.update(is_superuser=True)
    assert read_actions(admin_client, "?source=server") == ["signed in"]
    assert Page(admin_client.get(URL)).link("Server").url == f"{URL}?source=server"


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_read_the_log(client: Client, project: Project, role: str) -> None:
    client.force_login(factories.make_user(project, role=role))
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize(
    "query", ["?category=nothing", "?before=x", "?before=0", "?before=99999999999999999999", "?source=all", "?x=1"]
)
def test_invalid_parameters_are_rejected(admin_client: Client, query: str) -> None:
    assert admin_client.get(URL + query).status_code == 400


def test_event_of_another_project_is_no_position(admin_client: Client, project: Project) -> None:
    record(factories.make_project("other"), "did it")
    record(project, "did it here")
    foreign = AuditEvent.objects.get(project__slug="other")
    assert read_actions(admin_client, f"?before={foreign.pk}") == []
