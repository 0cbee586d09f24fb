"""Refused requests are recorded with the reason, without what was posted, and a flood of them in few rows."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.errors import Problem
from runs.models import ApiKey, Project, RefusedRequest
from runs.team import refusals
from runs.team.report_limiter import ReportLimiter
from tests import factories
from tests.runs.api.api_client import RUNS, ApiClient
from tests.runs.traces.spans import agent, otlp_body

SECRET = "sk-live-9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_limiter", ReportLimiter(burst=1000, repeat_interval=0))


def refusal() -> dict[str, Any]:
    stored = RefusedRequest.objects.get()
    return {name: getattr(stored, name) for name in ("status", "path", "reason", "fields", "index", "requests")}


def run_with(**changes: Any) -> dict[str, Any]:
    return factories.run_object(**changes)


@pytest.mark.parametrize(
    ("path", "body", "status", "reason", "fields", "index"),
    [
        (RUNS, b"{", 400, "not JSON", [], None),
        (RUNS, b"", 400, "The body is empty", [], None),
        (RUNS, run_with(model=[SECRET], created_at=SECRET), 400, "expected", ["/created_at", "/model"], 0),
        (RUNS, [run_with(), run_with(status=5)], 207, "expected", ["/status"], 1),
        (RUNS, [run_with(id=""), run_with(object=SECRET)], 207, "expected", ["/id", "/object"], 0),
        ("/api/v1/steps", [{"object": SECRET}], 207, "expected", ["/object"], 0),
        ("/api/v1/events", [{"event": "thread.run.created", "data": {"object": 5}}], 207, "", None, 0),
        ("/api/v1/conversations", {"id": 5}, 400, "expected", None, 0),
        (f"{RUNS}?{SECRET}={SECRET}", run_with(), 400, "unknown parameter", [], None),
        (RUNS, run_with(metadata={SECRET: "x" * 600}, created_at=1.5), 400, "expected", None, 0),
    ],
)
def test_reason_is_recorded_without_values(
    project: Project, path: str, body: Any, status: int, reason: str, fields: list[str] | None, index: int | None
) -> None:
    client = ApiClient.for_project(project)
    response = client.send(body, path=path) if isinstance(body, bytes) else client.post(body, path)
    assert response.status_code == status
    recorded = refusal()
    assert recorded["reason"].lower().startswith(reason.lower())
    assert (recorded["status"], recorded["path"], recorded["requests"]) == (status, path.partition("?")[0], 1)
    assert fields is None or recorded["fields"] == fields
    assert recorded["index"] == index
    assert SECRET not in json.dumps(recorded)


def test_broken_streams_are_recorded_without_lines(project: Project) -> None:
    body = f"event: thread.run.created\n{SECRET}\n\n".encode()
    assert ApiClient.for_project(project).send(body, "text/event-stream", "/api/v1/events").status_code == 207
    assert refusal()["reason"] == "not a line of an event stream"


def test_unsupported_bodies_are_recorded(project: Project) -> None:
    client = ApiClient.for_project(project)
    assert client.send(b"<run/>", f"text/{SECRET}").status_code == 415
    assert client.send(b"{}", Content_Encoding=SECRET).status_code == 415
    (row,) = RefusedRequest.objects.values_list("status", "requests", "reason")
    assert row == (415, 2, "This content type or encoding is not supported.")


def test_partial_exports_of_spans_are_recorded(project: Project) -> None:
    body = otlp_body([agent() | {"traceId": "0" * 32}])
    response = ApiClient.for_project(project).send(body, path="/v1/traces")
    assert (response.status_code, refusal()["status"]) == (200, 200)
    assert "zeros" in refusal()["reason"]


def test_unknown_key_is_recorded_by_its_prefix(project: Project) -> None:
    for secret in (f"rg_{'x' * 43}", SECRET):
        assert ApiClient(secret).post({}).status_code == 401
    rows = RefusedRequest.objects.order_by("pk").values_list("project", "key_name")
    assert list(rows) == [(None, "rg_xxxxxxx…"), (None, "")]


def test_ended_key_and_missing_scope_are_of_the_project(project: Project) -> None:
    revoked = factories.make_key(project)
    ApiKey.objects.update(revoked_at=timezone.now())
    assert ApiClient(revoked).post({}).status_code == 401
    assert ApiClient.for_project(project, "read").post(run_with()).status_code == 403
    rows = RefusedRequest.objects.order_by("pk").values_list("project", "status", "key_name")
    assert [row[:2] for row in rows] == [(project.pk, 401), (project.pk, 403)]
    assert all(name.startswith("test (rg_") for *_, name in rows)
    assert revoked[10:] not in str(rows)


@pytest.mark.parametrize(("method", "path"), [("GET", f"{RUNS}/run_none"), ("GET", f"{RUNS}?x=1"), ("POST", "/mcp")])
def test_reading_is_not_recorded(project: Project, method: str, path: str) -> None:
    assert ApiClient.for_project(project).request(method, path).status_code >= 400
    assert not RefusedRequest.objects.exists()


def test_same_reason_is_counted(project: Project) -> None:
    client = ApiClient.for_project(project)
    for number in range(3):
        client.post([run_with()] * number + [run_with(created_at=f"wrong {number}")])
        client.post(run_with(id=""))
    counts = RefusedRequest.objects.order_by("status").values_list("status", "requests", "index")
    assert list(counts) == [(207, 3, 2), (400, 3, 0)]


def test_flood_is_counted_in_few_writes(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(refusals, "_limiter", ReportLimiter(burst=30, interval=2.0, repeat_interval=5.0))
    client = ApiClient.for_project(project)
    client.send(b"{")
    with django_assert_num_queries(100):  # the version of the key, no more
        for _ in range(100):
            client.send(b"{")
    assert refusal()["requests"] == 1
    monkeypatch.setattr(refusals._limiter, "_repeat_interval", 0.0)
    client.send(b"{")
    assert refusal()["requests"] == 102


def test_rows_of_a_project_are_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_REFUSALS", 3)
    factories.make_key(project)
    ApiClient.for_project(factories.make_project("other")).send(b"{")
    for name in "abcde":
        problems = [Problem(f"/{name}", "expected a number")]
        key = ApiKey.objects.get(project=project)
        refusals.record_refusal(refusals.RefusedPost(400, RUNS, "", problems), key, "", "")
    assert [row.fields for row in RefusedRequest.objects.newest(project)] == [["/e"], ["/d"], ["/c"]]
    assert RefusedRequest.objects.count() == 4


def test_old_rows_go(project: Project) -> None:
    client = ApiClient.for_project(project)
    client.send(b"{")
    RefusedRequest.objects.update(last_at=timezone.now() - timedelta(days=8))
    assert not RefusedRequest.objects.newest(project).exists()
    client.post(run_with(id=""))
    assert RefusedRequest.objects.count() == 1


def test_maintenance_deletes_old_rows(project: Project) -> None:
    client = ApiClient.for_project(project)
    client.send(b"{")
    refusals.delete_old_refusals(project)
    assert RefusedRequest.objects.count() == 1
    RefusedRequest.objects.update(last_at=timezone.now() - timedelta(days=8))
    refusals.delete_old_refusals(project)
    assert not RefusedRequest.objects.exists()


def test_response_survives_a_failed_record(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise IntegrityError("the project is gone")

    monkeypatch.setattr(refusals, "_store", fail)
    assert ApiClient.for_project(project).send(b"{").status_code == 400
