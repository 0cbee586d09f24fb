"""A client of these paths, as small as `curl`."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from tests import factories


class Reader:
    """Reads with the key of one project."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    def get(self, path: str, **parameters: Any) -> Any:
        return self.ask("get", path, **parameters)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **parameters: Any) -> Any:
        return self._client.generic(method.upper(), path, headers=headers, query_params=parameters)

    def json(self, path: str, **parameters: Any) -> Any:
        response = self.get(path, **parameters)
        assert response.status_code == 200, response.content
        return response.json()

    def error(self, path: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
        response = self.get(path, **parameters)
        body = response.json()
        assert list(body) == ["error"]
        assert list(body["error"]) == ["message", "type", "param", "code"]
        return response.status_code, body["error"]

    def ids(self, path: str, **parameters: Any) -> list[str]:
        return [each["id"] for each in self.json(path, **parameters)["data"]]

    def walk(self, path: str, **parameters: Any) -> list[str]:
        """The ids of all pages; a loop fails."""
        found: list[str] = []
        for _ in range(100):
            cursor = {"after": found[-1]} if found else {}
            page = self.json(path, **parameters, **cursor)
            found += [each["id"] for each in page["data"]]
            if not page["has_more"]:
                return found
        raise AssertionError("the list does not end")


@pytest.fixture
def reader(project: Project) -> Reader:
    return Reader(factories.make_key(project, "read"))


@pytest.fixture
def stranger(db: None) -> Reader:
    """Reads in another project."""
    return Reader(factories.make_key(factories.make_project("elsewhere"), "read"))
