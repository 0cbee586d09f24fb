"""A minimal client of the Assistants API, for tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from tests import factories


class AssistantsClient:
    """A client with an API key of one project."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    def get(self, path: str, **params: Any) -> Any:
        return self.request("get", path, **params)

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **params: Any) -> Any:
        return self._client.generic(method.upper(), path, headers=headers, query_params=params)

    def get_json(self, path: str, **params: Any) -> Any:
        response = self.get(path, **params)
        assert response.status_code == 200, response.content
        return response.json()

    def get_error(self, path: str, **params: Any) -> tuple[int, dict[str, Any]]:
        response = self.get(path, **params)
        body = response.json()
        assert list(body) == ["error"]
        assert list(body["error"]) == ["message", "type", "param", "code"]
        return response.status_code, body["error"]

    def list_ids(self, path: str, **params: Any) -> list[str]:
        return [item["id"] for item in self.get_json(path, **params)["data"]]

    def list_all_ids(self, path: str, **params: Any) -> list[str]:
        """Return the ids of all pages, or fail if the list does not end."""
        ids: list[str] = []
        for _ in range(100):
            cursor = {"after": ids[-1]} if ids else {}
            page = self.get_json(path, **params, **cursor)
            ids += [item["id"] for item in page["data"]]
            if not page["has_more"]:
                return ids
        raise AssertionError("the list does not end")


@pytest.fixture
def client(project: Project) -> AssistantsClient:
    return AssistantsClient(factories.make_key(project, "read"))


@pytest.fixture
def other_client(db: None) -> AssistantsClient:
    """Return a client of another project."""
    return AssistantsClient(factories.make_key(factories.make_project("elsewhere"), "read"))
