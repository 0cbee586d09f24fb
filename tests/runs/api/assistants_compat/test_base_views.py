"""Authentication, base URLs and errors of the Assistants API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from runs.models import ApiKey, Project
from runs.models.run import RunQuerySet
from tests import factories
from tests.runs.api.assistants_compat.conftest import AssistantsClient

PATH = "/v1/threads/thread_first/runs"
BASES = ("/v1", "/openai", "/openai/v1", "/api/projects/firstProject", "/api/projects/any%20other")


def ask(method: str = "GET", path: str = PATH, **headers: str) -> tuple[int, dict[str, Any], Any]:
    response = Client(headers={name.replace("_", "-"): value for name, value in headers.items()}).generic(method, path)
    return response.status_code, response.json().get("error"), response


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"api_key": "unknown"},
        {"api_key": ""},
        {"api_key": "ключ"},
    ],
)
@pytest.mark.parametrize("path", [PATH, "/v1/threads", "/v1/assistants", "/api/projects/p/threads"])
def test_unknown_key_gets_401(db: None, headers: dict[str, str], path: str) -> None:
    status, error, response = ask(path=path, **headers)

    assert status == 401
    assert (error["type"], error["param"], error["code"]) == (
        "invalid_request_error",
        None,
        "invalid_api_key",
    )
    assert response["WWW-Authenticate"] == "Bearer"


def test_revoked_key_gets_401(project: Project) -> None:
    key = factories.make_key(project, "read")
    ApiKey.objects.update(revoked_at="2026-01-01T00:00:00Z")

    assert ask(api_key=key)[0] == ask(Authorization=f"Bearer {key}")[0] == 401


def test_key_without_read_scope_gets_403(project: Project) -> None:
    status, error, _ = ask(Authorization=f"Bearer {factories.make_key(project, 'ingest')}")

    assert status == 403
    assert error["code"] == "missing_scope"
    assert error["message"] == "The API key lacks the scope 'read'."


@pytest.mark.parametrize("base", BASES)
def test_all_base_urls_read_the_keys_project(project: Project, base: str) -> None:
    factories.post_run(project, id="run_1")
    key = factories.make_key(project, "read")

    for headers in ({"api_key": key}, {"Authorization": f"Bearer {key}"}):
        for path, kind in (
            ("/threads", "list"),
            ("/threads/thread_first", "thread"),
            ("/threads/thread_first/runs", "list"),
            ("/threads/thread_first/runs/run_1", "thread.run"),
            ("/threads/thread_first/runs/run_1/steps", "list"),
            ("/threads/thread_first/messages", "list"),
        ):
            status, _, response = ask(path=f"{base}{path}?api-version=2025-05-01", **headers)
            assert (status, response.json()["object"]) == (200, kind)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "path",
    [
        "/threads",
        "/threads/t/runs?api-version=v1",
        "/threads/t/runs/r/submit_tool_outputs",
        "/chat/completions",
    ],
)
def test_writes_get_405_with_a_hint(project: Project, method: str, base: str, path: str) -> None:
    status, error, response = ask(method, base + path, Authorization=f"Bearer {factories.make_key(project)}")

    assert status == 405
    assert response["Allow"] == "GET, HEAD"
    assert (error["type"], error["code"]) == ("invalid_request_error", "method_not_allowed")
    assert "archive" in error["message"]
    assert "/api/v1/runs" in error["message"]


@pytest.mark.parametrize("path", ["/v1/", "/v1/assistants", "/v1/threads/", "/openai/deployments"])
def test_unknown_paths_get_404(client: AssistantsClient, path: str) -> None:
    status, error = client.get_error(path)

    assert status == 404
    assert error["type"] == "invalid_request_error"


def test_unavailable_database_gets_503(client: AssistantsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(RunQuerySet, "in_thread", gone)
    response = client.get(PATH)

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert json.loads(response.content)["error"]["type"] == "server_error"


def test_too_many_parameters_get_400(client: AssistantsClient) -> None:
    status, error = client.get_error(f"{PATH}?" + "&".join(f"p{number}=1" for number in range(6000)))

    assert (status, error["message"]) == (400, "The request is malformed.")
