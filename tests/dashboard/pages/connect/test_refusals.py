"""The connect page shows refused requests, those with unknown keys only to those who may know of them."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from runs.team import refusals
from runs.team.report_limiter import ReportLimiter
from tests import factories
from tests.pages import Page
from tests.runs.api.api_client import ApiClient

URL = "/p/default/connect/"


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_limiter", ReportLimiter(burst=1000, repeat_interval=0))


def sign_in(project: Project, role: str, *, is_superuser: bool = False) -> Client:
    user = factories.make_user(project, role)
    user.is_superuser = is_superuser
    user.save()
    client = Client()
    client.force_login(user)
    return client


def read_reasons(client: Client) -> list[str]:
    region = Page(client.get(URL)).region("Refused requests")
    return region.table("Table of refused requests").cells("Reason") if region.has("table") else []


def test_refused_posts_are_explained(project: Project) -> None:
    viewer = sign_in(project, "viewer")
    assert read_reasons(viewer) == []
    ApiClient.for_project(project, "ingest").post([factories.run_object(), factories.run_object(created_at="soon")])
    row = Page(viewer.get(URL)).table("Table of refused requests").rows[0]
    assert [row[name].text for name in ("Status", "Path", "Address", "Requests")] == [
        *("207 in part", "/api/v1/runs", "127.0.0.1", "1"),
    ]
    assert row["Reason"].text.startswith("/created_at: expected")
    assert row["Reason"].text.endswith("last in object 1")
    assert row["API key"].text.startswith("test (rg_")


@pytest.mark.parametrize(
    ("role", "is_superuser", "has_other_project", "sees_it"),
    [
        ("viewer", False, False, False),
        ("admin", False, False, True),
        ("admin", False, True, False),
        ("viewer", True, True, True),
    ],
)
def test_unknown_keys_are_shown_to_administrators(
    project: Project, role: str, is_superuser: bool, has_other_project: bool, sees_it: bool
) -> None:
    if has_other_project:
        factories.make_project("other")
    ApiClient("rg_unknown").post({})
    assert bool(read_reasons(sign_in(project, role, is_superuser=is_superuser))) is sees_it


def test_refusals_of_other_projects_are_hidden(project: Project) -> None:
    ApiClient.for_project(factories.make_project("other")).send(b"{")
    assert read_reasons(sign_in(project, "admin")) == []


def test_empty_run_list_leads_to_refusals(project: Project) -> None:
    viewer = sign_in(project, "viewer")
    runs = "/p/default/runs/"
    assert not Page(viewer.get(runs)).main.has("link", "See why")
    ApiClient.for_project(project).send(b"{")
    page = Page(viewer.get(runs))
    assert "1 request with a key of this project was refused" in page.main.text
    assert page.main.link("See why").url == f"{URL}#refusals"


def test_guides_that_send_nothing_have_no_refusals(project: Project) -> None:
    assert not Page(sign_in(project, "viewer").get(f"{URL}?guide=mcp")).has("region", "Refused requests")
