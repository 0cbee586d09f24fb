"""Tests for the pages that change all runs that match the filters of the list."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import BulkAction, Project, Run, RunReview, RunTag
from tests import factories
from tests.pages import Page

URL = "/p/default/bulk/"


@pytest.fixture(autouse=True)
def runs(project: Project) -> None:
    failed = [factories.failed_run(id=f"run_{number}", message="no") for number in range(3)]
    assert not factories.post(project, *failed, factories.run_object(id="run_good")).errors


def test_list_offers_all_matching_runs(member_client: Client) -> None:
    page = Page(member_client.get("/p/default/runs/?status=failed"))
    assert page.find("link", hidden=True, name="All that match…").url == f"{URL}?status=failed"


def test_matching_runs_are_tagged_and_progress_is_shown(member_client: Client) -> None:
    page = Page(member_client.get(f"{URL}?status=failed"))
    assert page.has("heading", "3 matching runs")
    assert not page.has("button", "Delete 3 runs")
    response = member_client.post(URL, {"query": "status=failed", "do": "add_tags", "tag": "seen, later"})
    address = response["Location"]
    page = Page(member_client.get(address))
    assert "0 of 3 runs, 0 changed." in page.status().text
    assert page.has("button", "Cancel")
    assert "in progress" in Page(member_client.get(f"{URL}?status=failed")).text
    swap = {"HX-Request": "true", "HX-Target": "bulk-progress"}
    fragment = Page(member_client.post(address, headers=swap))
    assert "Done. 3 of 3 runs, 3 changed." in fragment.text
    assert not fragment.has("button", "Cancel")
    assert RunTag.objects.count() == 6


def test_matching_runs_are_marked_as_reviewed(member_client: Client) -> None:
    assert Page(member_client.get(f"{URL}?status=failed")).has("button", "Mark 3 runs as reviewed")
    for do, count in (("mark_reviewed", 3), ("unmark_reviewed", 0)):
        member_client.post(member_client.post(URL, {"query": "status=failed", "do": do})["Location"])
        assert RunReview.objects.count() == count


def test_administrator_deletes_matching_runs(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(project, "admin"))
    posted = {"query": "status=failed", "do": "delete"}
    assert Page(client.post(URL, posted)).alert().text == "Nothing was deleted: type “delete” to confirm."
    response = client.post(URL, posted | {"confirm": "delete"})
    client.post(response["Location"])
    assert set(Run.objects.values_list("external_id", flat=True)) == {"run_good"}


@pytest.mark.parametrize(
    ("posted", "status"),
    [
        ({"do": "delete", "confirm": "delete"}, 403),
        ({"do": "explode"}, 422),
        ({"do": "add_tags", "tag": " "}, 422),
        ({"do": "add_tags", "tag": "a", "query": "q=("}, 400),
    ],
)
def test_invalid_actions_are_refused(member_client: Client, posted: dict[str, str], status: int) -> None:
    assert member_client.post(URL, posted).status_code == status
    assert not BulkAction.objects.exists()


def test_only_its_user_and_administrators_cancel_an_action(client: Client, project: Project) -> None:
    for role in ("admin", "member"):
        client.force_login(factories.make_user(project, role))
        action = client.post(URL, {"do": "add_tags", "tag": "seen"})["Location"]
        client.force_login(factories.make_user(project))
        assert client.post(f"{action}cancel").status_code == 403
        client.force_login(factories.make_user(project, "admin"))
        assert "Cancelled." in Page(client.post(f"{action}cancel", follow=True)).text
