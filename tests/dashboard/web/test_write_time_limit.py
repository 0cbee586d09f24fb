"""Tests that a post which takes too long ends, and stores nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dashboard.web import cpu_time_limit
from runs.ingest import metadata_values
from runs.models import Project, Run, RunTag
from tests import factories
from tests.runs.api.api_client import RUNS, ApiClient, assert_error

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_limit(project: Project, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Shorten the limit, after a first post that imports the views."""
    ApiClient.for_project(project).post(factories.run_object(id="run_first"))
    settings.WRITE_TIMEOUT_SECONDS = 0.3
    monkeypatch.setattr(cpu_time_limit, "discard_connections", lambda: connection.close())  # pytest's one is kept
    monkeypatch.setattr(cpu_time_limit, "_WATCH_INTERVAL", 0.05)


def compute(*_: Any) -> None:
    end = time.thread_time() + 20
    while time.thread_time() < end:
        pass


def wait_for_database(*_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


@pytest.mark.parametrize("work", [compute, wait_for_database])
def test_post_of_objects_is_rolled_back(
    project: Project, monkeypatch: pytest.MonkeyPatch, work: Callable[..., None]
) -> None:
    client = ApiClient.for_project(project)
    monkeypatch.setattr(metadata_values, "record_metadata_values", work)  # the runs are written before
    started = time.monotonic()
    response = client.post([factories.run_object() for _ in range(3)])

    assert_error(response, 503, "request_timeout")
    assert "fewer or smaller objects" in response.json()["error"]["message"]
    assert response["Retry-After"]
    assert time.monotonic() - started < 15
    assert [run.external_id for run in Run.objects.all()] == ["run_first"]
    monkeypatch.undo()
    assert client.post(factories.run_object()).status_code == 201
    assert client.get(RUNS).status_code == 200


def test_form_is_rolled_back(project: Project, member_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = factories.post_run(project)
    store = RunTag.objects.bulk_create
    monkeypatch.setattr(RunTag.objects, "bulk_create", lambda rows: compute(store(rows)))
    response = member_client.post(f"/p/default/runs/{run.external_id}/tags", {"tag": "slow"})

    assert response.status_code == 503
    assert "Request not handled" in response.content.decode()
    assert not RunTag.objects.exists()
