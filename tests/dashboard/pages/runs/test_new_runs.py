"""Tests for the poll that announces new runs and refreshes active rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.pages.runs import views
from runs.models import Project, Run
from tests import factories
from tests.pages import Page

URL = "/p/default/new-runs/"


def just_now(**changes: Any) -> dict[str, Any]:
    at = int(timezone.now().timestamp())
    return factories.run_object(created_at=at, started_at=at, completed_at=at + 1) | changes


def after(**ago: float) -> str:
    return f"{datetime.now(UTC) - timedelta(**ago):%Y-%m-%dT%H:%M:%S.%fZ}"


def test_new_runs_are_counted_and_announced(member_client: Client, project: Project) -> None:
    factories.post(project, just_now(), just_now(status="failed"))
    response = member_client.get(URL, {"after": after(minutes=1), "status": "failed"})
    assert Page(response).link("1 new run").url == "/p/default/runs/?status=failed"
    assert "1 new run" in response["HX-Trigger"]
    assert "known=1" in response.content.decode()
    next_poll = member_client.get(URL, {"after": after(minutes=1), "status": "failed", "known": "1"})
    assert "HX-Trigger" not in next_poll


def test_no_new_runs_gives_empty_fragment(member_client: Client, project: Project) -> None:
    factories.post(project, just_now(), factories.run_object(created_at=factories.NOW - 10**6))
    response = member_client.get(URL, {"after": after(seconds=-5)})
    assert Page(response).text == ""
    assert "HX-Trigger" not in response


def test_imported_old_runs_are_not_new(member_client: Client, project: Project) -> None:
    factories.post(project, just_now(created_at=factories.NOW - 10**6))
    assert Page(member_client.get(URL, {"after": after(minutes=1)})).text == ""


def test_count_is_capped(member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_NEW_RUNS", 2)
    factories.post(project, *(just_now() for _ in range(4)))
    assert Page(member_client.get(URL, {"after": after(minutes=1)})).has("link", "More than 2 new runs")


def test_active_rows_are_refreshed(member_client: Client, project: Project) -> None:
    run = Run.objects.get(pk=factories.post_run(project, status="failed").pk)
    other = factories.post_run(factories.make_project("other"))
    response = member_client.get(URL, {"after": after(minutes=1), "active": [str(run.pk), str(other.pk)]})
    (row,) = Page(response).find_all("row", hidden=True)
    assert row.get("id") == f"row-{run.pk}"
    assert row.get("hx-swap-oob") == "morph"


def test_poll_query_count_is_bounded(member_client: Client, project: Project, django_assert_num_queries) -> None:
    runs = [factories.post_run(project) for _ in range(3)]
    # session, user, project; the count, the active rows, their tools, the names of their assistants, their tags
    with django_assert_num_queries(8):
        member_client.get(URL, {"after": after(minutes=1), "active": [str(run.pk) for run in runs]})


@pytest.mark.parametrize("query", ["", "after=x", "after=-1h&active=x", "after=-1h&status=faild", "before=-1h"])
def test_invalid_parameters_are_rejected(member_client: Client, query: str) -> None:
    assert member_client.get(f"{URL}?{query}").status_code == 400
