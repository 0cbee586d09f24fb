"""The list of threads as JSON and CSV."""

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
def three_threads(project: Project) -> Project:
    """Three threads of one run each. The last one also has a failed run and a run without a price."""
    for number in range(3):
        factories.post_run(
            project, thread_id=f"thread_{number}", created_at=NOW + number, completed_at=NOW + number + 5
        )
    factories.post(project, factories.failed_run(thread_id="thread_2", created_at=NOW + 60, failed_at=NOW + 70))
    factories.post_run(project, thread_id="thread_2", model="our-own", created_at=NOW + 30, completed_at=NOW + 40)
    return project


def csv_rows(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{URL}.csv{query}")
    assert response.status_code == 200
    content: Any = response.streaming_content  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(b"".join(content).decode().removeprefix("\ufeff"))))


def test_downloads_have_the_listed_threads(member_client: Client, three_threads: Project) -> None:
    document = member_client.get(f"{URL}.json").json()
    assert (document["object"], document["next_cursor"]) == ("list", None)
    assert [thread["thread_id"] for thread in document["data"]] == ["thread_2", "thread_1", "thread_0"]
    assert document["data"][0] == {
        "thread_id": "thread_2",
        "last_status": "failed",
        "last_activity_at": "2026-11-18T11:07:50Z",
        "first_activity_at": "2026-11-18T11:06:42Z",
        "runs": 3,
        "capped": False,
        "failed": 1,
        "active": 0,
        "tokens": 300,
        "cost_usd": "0.000036000",
        "unpriced_runs": 1,
        "assistant_ids": ["asst_concierge"],
        "question": "",
    }
    assert [row["thread_id"] for row in csv_rows(member_client)] == ["thread_2", "thread_1", "thread_0"]


def test_downloads_have_filters_and_pages(
    member_client: Client, three_threads: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "DOWNLOAD_PAGE_SIZE", 2)
    first = member_client.get(f"{URL}.json").json()
    second = member_client.get(f"{URL}.json", {"cursor": first["next_cursor"]}).json()
    assert [len(page["data"]) for page in (first, second)] == [2, 1]
    assert second["next_cursor"] is None
    assert len(csv_rows(member_client)) == 3
    assert [row["thread_id"] for row in csv_rows(member_client, "?status=failed")] == ["thread_2"]


@pytest.mark.parametrize("query", ["?nonsense=1", "?cursor=x", "?q=foo:bar"])
def test_invalid_parameter_gets_400(member_client: Client, three_threads: Project, query: str) -> None:
    for suffix in ("json", "csv"):
        assert member_client.get(f"{URL}.{suffix}{query}").status_code == 400


def test_non_member_gets_404(client: Client, three_threads: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(f"{URL}.json").status_code == 404
    assert client.get(f"{URL}.csv").status_code == 404
