"""The list of threads as files: what the page shows, all of it, for whoever may see the page."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.threads import downloads
from runs.models import Project
from tests import factories

URL = "/p/default/threads"
NOW = factories.NOW


@pytest.fixture
def three(project: Project) -> Project:
    """Threads of one run each, but for the last, which has a failure and a run without a price beside it."""
    for number in range(3):
        factories.post_run(
            project, thread_id=f"thread_{number}", created_at=NOW + number, completed_at=NOW + number + 5
        )
    factories.post(project, factories.failed_run(thread_id="thread_2", created_at=NOW + 60, failed_at=NOW + 70))
    factories.post_run(project, thread_id="thread_2", model="our-own", created_at=NOW + 30, completed_at=NOW + 40)
    return project


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{URL}.csv{query}")
    assert response.status_code == 200
    content: Any = response.streaming_content  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(b"".join(content).decode().removeprefix("\ufeff"))))


def test_the_files_hold_what_the_page_shows(member_client: Client, three: Project) -> None:
    found = member_client.get(f"{URL}.json").json()
    assert (found["object"], found["cursor"]) == ("list", None)
    assert [each["thread_id"] for each in found["data"]] == ["thread_2", "thread_1", "thread_0"]
    assert found["data"][0] == {
        "thread_id": "thread_2",
        "last_status": "failed",
        "last_activity_at": "2026-11-18T11:07:50Z",
        "first_activity_at": "2026-11-18T11:06:42Z",
        "runs": 3,
        "capped": False,
        "failed": 1,
        "active": 0,
        "tokens": 300,
        "cost_dollars": "0.000036000",
        "unpriced_runs": 1,
        "assistant_ids": ["asst_concierge"],
    }
    assert [row["thread_id"] for row in table(member_client)] == ["thread_2", "thread_1", "thread_0"]


def test_filters_and_pages_hold_for_files_too(
    member_client: Client, three: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PAGE_SIZE", 2)
    first = member_client.get(f"{URL}.json").json()
    second = member_client.get(f"{URL}.json", {"cursor": first["cursor"]}).json()
    assert [len(page["data"]) for page in (first, second)] == [2, 1]
    assert second["cursor"] is None
    assert len(table(member_client)) == 3
    assert [row["thread_id"] for row in table(member_client, "?status=failed")] == ["thread_2"]


@pytest.mark.parametrize("query", ["?nonsense=1", "?cursor=x", "?q=foo:bar"])
def test_what_can_not_be_asked_is_refused(member_client: Client, three: Project, query: str) -> None:
    for ending in ("json", "csv"):
        assert member_client.get(f"{URL}.{ending}{query}").status_code == 400


def test_people_outside_the_project_get_nothing(client: Client, three: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(f"{URL}.json").status_code == 404
    assert client.get(f"{URL}.csv").status_code == 404
