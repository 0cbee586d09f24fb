"""No cache stores a private response: every URL of the site and the API, as an administrator and with an API key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from runs.models import Project
from tests import factories

# They may be kept by the browser: counts for a minute, under the cookie of the session, and what has an ETag.
OTHER_POLICIES = {"private, max-age=60", "private, no-cache"}


def iterate_patterns(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from iterate_patterns(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path


def fill(path: str) -> str:
    """Return a path without converters."""
    names = {"project": "default", "group_id": "00000000-0000-0000-0000-000000000000", "run_id": "run_1"}
    for part in path.replace(">", "<").split("<")[1::2]:
        converter, _, name = part.rpartition(":")
        value = names.get(name) or ("1" if converter == "int" else "some")
        path = path.replace(f"<{part}>", value)
    return path.removesuffix("$").removeprefix("^")


PATHS = sorted({fill(path) for path in iterate_patterns(get_resolver().url_patterns)})


@pytest.fixture
def responses(project: Project) -> dict[str, Any]:
    """The responses to all URLs, for a user and for an API client."""
    factories.post_run(project, id="run_1")
    browser = Client(raise_request_exception=False)
    browser.force_login(factories.make_user(project, role="admin"))
    key = {"Authorization": f"Bearer {factories.make_key(project)}"}
    found: dict[str, Any] = {}
    for path in PATHS:
        found[f"user {path}"] = browser.get(path)
        found[f"key {path}"] = Client(raise_request_exception=False).get(path, headers=key)
    found["nobody"] = Client().get("/p/default/runs/")
    found["unknown host"] = Client().get("/", headers={"host": "evil.example"})
    found["unknown page"] = browser.get("/nothing")
    found["fragment"] = browser.get("/p/default/runs/", headers={"HX-Request": "true", "HX-Target": "results"})
    found["refused form"] = Client(enforce_csrf_checks=True).post("/login/")
    return found


def test_no_url_may_be_stored(responses: dict[str, Any]) -> None:
    assert len(responses) > 100
    assert responses["user /p/default/runs.csv"].status_code == 200
    assert responses["key /api/v1/runs"].status_code == 200
    stored = {
        name: response.get("Cache-Control")
        for name, response in responses.items()
        if not {"private", "no-store"} <= set((response.get("Cache-Control") or "").split(", "))
    }
    assert set(stored.values()) <= OTHER_POLICIES
    assert all("Cookie" in responses[name].get("Vary", "") or name.startswith("key /v1/") or "/v1/" in name
               or "/openai/" in name or "/api/projects/" in name for name in stored)  # fmt: skip
