"""A client of the REST API for tests."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from runs.models import Project
from tests import factories

RUNS = "/api/v1/runs"
JSON = "application/json"
NDJSON = "application/x-ndjson"


class ApiClient:
    """A client that sends one API key, or none."""

    def __init__(self, secret: str | None) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    @classmethod
    def for_project(cls, project: Project, *scopes: str) -> ApiClient:
        """Return a client with a new key of `project`."""
        return cls(factories.make_key(project, *scopes))

    def send(self, body: bytes, content_type: str = JSON, path: str = RUNS, **headers: str) -> Any:
        """POST `body` as it is; header names have _ in place of -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.post(path, body, content_type=content_type, headers=self._headers | named)

    def post(self, posted: Any, path: str = RUNS) -> Any:
        """POST `posted` as JSON."""
        return self.send(json.dumps(posted).encode(), path=path)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(path, headers=self._headers | headers)

    def request(self, method: str, path: str, **headers: str) -> Any:
        return self._client.generic(method, path, headers=self._headers | headers)


def assert_error(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check status, code and form of the error in `response`, and return it."""
    assert (response.status_code, response["Content-Type"]) == (status, JSON), response.content
    body = json.loads(response.content)
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"code", "message", "fields"} | ({"request_id"} if status >= 500 else set())
    assert error["code"] == code
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["fields"], list)
    return error
