"""Errors of the REST API, which all have the same form."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from runs.errors import TooManyRetries
from runs.ingest import write
from runs.models import Project, Run
from tests.factories import run_object
from tests.runs.api.api_client import RUNS, ApiClient, assert_error


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "NONSENSE"])
@pytest.mark.parametrize("path", [RUNS, f"{RUNS}/run_1", "/api/v1/steps"])
def test_unsupported_methods_get_405(client: ApiClient, method: str, path: str) -> None:
    response = client.request(method, path)
    assert_error(response, 405, "method_not_allowed")
    assert "Allow" in response


def test_methods_of_other_paths_get_405(client: ApiClient) -> None:
    assert_error(client.request("DELETE", RUNS), 405, "method_not_allowed")
    assert_error(client.request("POST", f"{RUNS}/run_1"), 405, "method_not_allowed")
    assert_error(client.request("GET", "/api/v1/steps"), 405, "method_not_allowed")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/run", "/api/v1/nothing/here", "/api/v1/runs/"])
def test_unknown_paths_get_404_as_json(method: str, path: str) -> None:
    error = assert_error(ApiClient(None).request(method, path), 404, "not_found")
    assert path in error["message"]


def test_trailing_slash_is_pointed_out() -> None:
    error = assert_error(ApiClient(None).send(b"{}", path=f"{RUNS}/"), 404, "not_found")
    assert f"'{RUNS}'" in error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", RUNS),
        ("POST", "/api/v1/steps"),
        ("POST", "/api/v1/messages"),
        ("GET", f"{RUNS}/run_1"),
        ("DELETE", f"{RUNS}/run_1"),
    ],
)
def test_unknown_parameters_are_rejected(client: ApiClient, method: str, path: str) -> None:
    client.post(run_object(id="run_1"))
    error = assert_error(client.request(method, f"{path}?dry_run=1&project=x"), 400, "unknown_parameter")
    assert [problem["path"] for problem in error["fields"]] == ["dry_run", "project"]
    assert "'dry_run'" in error["message"]
    assert Run.objects.count() == 1


def test_too_many_parameters_get_400(client: ApiClient) -> None:
    assert_error(client.get(f"{RUNS}?{'a=1&' * 6000}"), 400, "bad_request")


# unavailable database


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("connection already closed")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unavailable_database_gets_503(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", gone)
        response = client.request(method, RUNS)
    assert_error(response, 503, "database_unavailable")
    assert response["Retry-After"] == "5"
    assert "gone" not in response.content.decode()


def test_database_failure_while_writing_stores_nothing(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("terminating connection") from psycopg.errors.AdminShutdown()

    with monkeypatch.context() as patched:
        patched.setattr(write, "_write_type", gone)
        response = client.post([run_object(), run_object()])
    assert_error(response, 503, "database_unavailable")
    assert not Run.objects.exists()


def test_too_many_write_conflicts_get_503(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise TooManyRetries

    monkeypatch.setattr(write, "write_records", busy)
    response = client.post(run_object())
    assert_error(response, 503, "busy")
    assert response["Retry-After"] == "5"


_ASK_WITHOUT_A_SERVER = """
import django
django.setup()
from django.test import Client
posted = Client().post("/api/v1/runs", b"{}", "application/json", headers={"Authorization": "Bearer x"})
ready, alive = Client().get("/readyz"), Client().get("/healthz")
print(posted.status_code, posted["Retry-After"], posted.json()["error"]["code"])
print(ready.status_code, ready["Retry-After"], ready.json()["status"])
print(alive.status_code, alive.json()["status"])
"""


def test_missing_postgres_server_gets_503(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        environment = {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "DATABASE_URL": f"postgresql://nobody:secret@127.0.0.1:{taken.getsockname()[1]}/nothing",
            "RUNGLASS_DATA_DIR": str(tmp_path),
            "RUNGLASS_ALLOWED_HOSTS": "testserver",
        }
        done = subprocess.run(
            [sys.executable, "-c", _ASK_WITHOUT_A_SERVER],
            env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.stdout.splitlines() == ["503 5 database_unavailable", "503 5 unready", "200 ok"], done.stderr
    assert "secret" not in done.stdout + done.stderr


# rows that Postgres rejects


def test_row_rejected_by_postgres_does_not_affect_others(
    project: Project, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import DataError

    write_records = write.write_records

    def refusing(project: Project, batches: Any, receipt: Any) -> Any:
        if any(record.columns.external_id == "run_bad" for records in batches.values() for record in records):
            raise DataError("value out of range\nDETAIL: none")
        return write_records(project, batches, receipt)

    monkeypatch.setattr(write, "write_records", refusing)
    response = client.post([run_object(), run_object(id="run_bad"), run_object()])
    assert response.status_code == 207
    assert response.json()["created"] == 2
    [error] = response.json()["errors"]
    assert (error["index"], error["id"]) == (1, "run_bad")
    assert "value out of range" in error["message"]
    assert "DETAIL" not in error["message"]
