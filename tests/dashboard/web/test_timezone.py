"""The time zone of the reader, on all pages."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory

from dashboard.web.timezone import get_request_timezone
from runs.models import Project
from tests import factories
from tests.pages import Page


@pytest.mark.parametrize(
    ("cookie", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Calcutta", "Asia/Calcutta"),  # the name that browsers use for Asia/Kolkata
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("localtime", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("europe/berlin", "UTC"),
    ],
)
def test_known_cookie_sets_the_timezone(cookie: str, name: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["timezone"] = cookie
    assert get_request_timezone(request).key == name


def test_default_is_utc() -> None:
    assert get_request_timezone(RequestFactory().get("/")).key == "UTC"


NOW_IN_TOKYO = "18 Nov 2026, 20:06:40 JST"  # factories.NOW
PAGES = (
    *(
        "runs/",
        "runs/run_first/",
        "threads/",
        "threads/thread_first/",
        "assistants/",
        "assistants/asst_concierge/",
        "tools/",
    ),
    *("tools/function/search_orders/", "actions/", "errors/", "usage/", "settings/", "settings/audit/"),
    *("runs/run_failed/", "runs/run_waiting/", "compare/?left=run_first&right=run_failed", "connect/"),
)
# Other ways to write a time, and times of the server's zone outside of a tooltip.
OTHER_FORMATS = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}|\d{2}:\d{2} UTC|\d m \d|\d h \d+ m\b")


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, "admin"))
    return client


@pytest.fixture
def tokyo_client(admin_client: Client) -> Client:
    admin_client.cookies["timezone"] = "Asia/Tokyo"
    return admin_client


@pytest.fixture
def posted_runs(project: Project) -> None:
    """Post runs of all kinds, each with a history and a comparison."""
    at = factories.NOW
    moments = {"created_at": at, "started_at": at + 2, "expires_at": at + 600}
    first = factories.run_object(id="run_first", **moments, completed_at=at + 500)
    failed = factories.failed_run(id="run_failed", **moments | {"created_at": at + 60}, failed_at=at + 300)
    factories.post(project, first | {"status": "queued", "started_at": None, "completed_at": None, "usage": None})
    factories.post(project, first, failed, factories.waiting_run(id="run_waiting"))
    factories.post_steps(project, factories.step_object(first, factories.function_call("search_orders")))
    factories.post_messages(project, factories.message_object(first))


@pytest.mark.parametrize("path", PAGES)
def test_pages_write_times_in_one_way(tokyo_client: Client, posted_runs: None, path: str) -> None:
    response = tokyo_client.get(f"/p/default/{path}")
    assert response.status_code == 200
    page = Page(response)
    raw = {id(part) for element in page.iterate() if element.tag in ("pre", "script") for part in element.iterate()}
    for element in page.iterate():
        texts = [element.text] if not list(element.iterate())[1:] and id(element) not in raw else []
        for text in [*texts, element.get("aria-label") or ""]:
            assert not OTHER_FORMATS.search(text), f"{path}: {text}"


def test_run_page_shows_the_time_of_the_reader(tokyo_client: Client, posted_runs: None) -> None:
    page = Page(tokyo_client.get("/p/default/runs/run_first/"))
    created = page.region("Status").definition("Created").find("time")
    assert created.get("title") == f"{NOW_IN_TOKYO} · 11:06:40 UTC"
    assert "from 20:06:40" in page.region("Status").text


def test_project_decides_without_a_browser_zone(admin_client: Client, project: Project, posted_runs: None) -> None:
    response = admin_client.post("/p/default/settings/name", {"name": "Default", "time_zone": "Asia/Tokyo"})
    assert response.status_code == 302
    created = Page(admin_client.get("/p/default/runs/run_first/")).region("Status").definition("Created").find("time")
    assert created.get("title").startswith(NOW_IN_TOKYO)
    refused = admin_client.post("/p/default/settings/name", {"name": "Default", "time_zone": "Mars/Olympus"})
    assert refused.status_code == 422
    assert "expected an IANA name such as Europe/Berlin, got 'Mars/Olympus'" in Page(refused).text


def test_form_times_are_read_in_the_zone_of_the_reader(tokyo_client: Client, posted_runs: None) -> None:
    response = tokyo_client.get("/p/default/runs/?from=2026-11-18T20:06:40&to=2026-11-18T20:07&status=completed")
    assert response.status_code == 302
    assert response["Location"] == (
        "/p/default/runs/?from=2026-11-18T11%3A06%3A40Z&to=2026-11-18T11%3A07%3A00Z&status=completed"
    )
    page = Page(tokyo_client.get(response["Location"]))
    assert page.field("From").value == "2026-11-18T20:06:40"
    assert "18 Nov, 20:06:40\N{EN DASH}20:07" in page.text


def test_api_reads_times_in_utc(client: Client, project: Project, posted_runs: None) -> None:
    key = factories.make_key(project)
    client.cookies["timezone"] = "Asia/Tokyo"
    headers = {"Authorization": f"Bearer {key}"}
    found = client.get("/api/v1/runs?from=2026-11-18T11:06:40&to=2026-11-18T11:06:41", headers=headers).json()
    assert [run["id"] for run in found["data"]] == ["run_first"]
