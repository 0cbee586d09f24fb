"""Tests for the preview of a run beside the list."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page

LIST = "/p/default/runs/"


def test_list_opens_with_the_preview_in_its_address(member_client: Client, project: Project) -> None:
    factories.post_run(project, id="run_1")
    page = Page(member_client.get(f"{LIST}?status=completed&peek=run_1"))
    preview = page.find("complementary", "Preview of run_1")
    assert preview.link("Open run").url == f"{LIST}run_1/?list=status%3Dcompleted"
    assert not Page(member_client.get(LIST)).has("complementary", "Preview")


def test_preview_is_made_of_parts_of_the_run_page(member_client: Client, project: Project) -> None:
    factories.post(project, factories.failed_run(id="run_1", message="Too many requests"))
    swap = {"HX-Request": "true", "HX-Target": "peek-body"}
    page = Page(member_client.get(f"{LIST}run_1/", headers=swap))
    assert "Too many requests" in page.region("Status").text
    assert page.has("heading", "Errors")
    assert page.has("heading", "Timeline")
    assert not page.has("heading", "Raw JSON")


@pytest.mark.parametrize("run_id", ["", "x" * 257, "a/b", ".."])
def test_invalid_preview_is_refused(member_client: Client, project: Project, run_id: str) -> None:
    response = member_client.get(LIST, {"peek": run_id})
    assert response.status_code == 400
    assert "peek" in Page(response).alert().text
