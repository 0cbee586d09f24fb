"""Runs with errors, for the tests of the error pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.models import ErrorGroup, Project
from tests import factories

LIST_URL = "/p/default/errors/"
NOW = datetime.fromtimestamp(factories.NOW, UTC)
HOUR, DAY = 3600, 86_400
SCRIPT = "<script>alert('x')<img src=x onerror=alert(1)>\"'"


@pytest.fixture(autouse=True)
def frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the current time to NOW."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project_with_errors(project: Project) -> Project:
    """A project with three groups: old rate limits, new timeouts, an incomplete run; and with completed runs."""
    completed = [
        factories.run_object(created_at=factories.NOW - hours * HOUR, completed_at=factories.NOW) for hours in (3, 700)
    ]
    rate_limits = [
        failed_run(f"run_limit{number}", "rate_limit_exceeded", f"Limit {number} reached", age=days * DAY)
        for number, days in enumerate((1, 2, 3, 20, 25))
    ]
    timeouts = [failed_run(f"run_late{number}", "server_error", f"Timed out after {number} s") for number in range(2)]
    incomplete = factories.run_object(
        id="run_cut", created_at=factories.NOW - 9 * DAY, status="incomplete", completed_at=None,
        incomplete_details={"reason": "max_completion_tokens"},
    )  # fmt: skip
    assert not factories.post(project, *completed, *rate_limits, *timeouts, incomplete).errors
    return project


def failed_run(run_id: str, code: str, message: str, *, age: int = HOUR, **fields: Any) -> dict[str, Any]:
    """Return a run that failed `age` seconds ago."""
    created_at = factories.NOW - age
    return factories.failed_run(code, message, id=run_id, created_at=created_at, failed_at=created_at + 5, **fields)


def find_group(code: str) -> ErrorGroup:
    """Return the group of an error code."""
    return ErrorGroup.objects.get(code=code)


def group_url(code: str, *, name: str = "error-group") -> str:
    """Return the URL of the group of an error code."""
    return reverse(name, kwargs={"project": "default", "group_id": find_group(code).pk})


def list_run_ids(client: Client, runs_url: str) -> list[str]:
    """Return the ids of the runs in the run list at a URL."""
    response: Any = client.get(f"/p/default/runs.json?{urlsplit(runs_url).query}")
    assert response.status_code == 200, runs_url
    return [run["id"] for run in json.loads(b"".join(response.streaming_content))["data"]]
