"""Tests that the gateway's table of routes agrees with the URLs of the site."""

from __future__ import annotations

import pytest
from django.urls import reverse

from dashboard.pages.account.views import sign_in_url
from dashboard.server.gateway.routes import Credential, LaneName, find_route

DOWNLOADS = [
    f"{name}-{suffix}"
    for name in ("runs", "threads", "assistants", "tools", "actions", "errors", "usage")
    for suffix in ("json", "csv")
]


@pytest.mark.parametrize("name", ["api-runs", "api-steps", "api-messages", "api-assistants", "api-events"])
def test_objects_are_posted_with_a_key(name) -> None:
    assert find_route("POST", reverse(name)) == (LaneName.INGEST, Credential.API_KEY)
    assert find_route("GET", reverse(name)).lane is LaneName.PAGES


def test_questions_are_posted_with_a_key() -> None:
    assert find_route("POST", reverse("mcp")) == (LaneName.PAGES, Credential.API_KEY)


@pytest.mark.parametrize("path", [sign_in_url(next_path=""), reverse("account_change_password")])
def test_passwords_have_their_lane(path) -> None:
    assert find_route("POST", path) == (LaneName.SIGN_IN, Credential.NOTHING_HELPS)
    assert find_route("GET", path).lane is LaneName.PAGES


@pytest.mark.parametrize("name", ["oidc-start", "oidc-callback"])
def test_identity_provider_holds_up_no_page(name) -> None:
    assert find_route("GET", reverse(name)) == (LaneName.SIGN_IN, Credential.NOTHING_HELPS)


@pytest.mark.parametrize("name", [*DOWNLOADS, "runs-jsonl"])
def test_files_have_their_lane(name) -> None:
    path = reverse(name, kwargs={"project": "default"})
    assert find_route("GET", path).lane is LaneName.DOWNLOADS
    assert find_route("POST", path) == (LaneName.DOWNLOADS, Credential.SESSION)


def test_records_of_a_run_are_downloads() -> None:
    for name in ("api-run-steps", "api-run-history"):
        assert find_route("GET", reverse(name, kwargs={"run_id": "run_1"})).lane is LaneName.DOWNLOADS
    path = reverse("run-json", kwargs={"project": "default", "run_id": "run_1"})
    assert find_route("GET", path).lane is LaneName.DOWNLOADS


@pytest.mark.parametrize("name", ["delete-selected-runs", "tag-selected-runs", "api-keys", "price-delete"])
def test_forms_of_a_project_need_a_session(name) -> None:
    assert find_route("POST", reverse(name, kwargs={"project": "default"})) == (LaneName.PAGES, Credential.SESSION)


def test_files_are_uploaded_with_a_session() -> None:
    path = reverse("import-files", kwargs={"project": "default"})
    assert find_route("POST", path) == (LaneName.DOWNLOADS, Credential.SESSION_WITH_FILES)
    assert find_route("GET", path).lane is LaneName.PAGES


@pytest.mark.parametrize("path", ["/v1/threads", "/unknown", "/static/a.css", "/api/v1/runs/x"])
def test_other_paths_take_no_bodies(path) -> None:
    assert find_route("POST", path) == (LaneName.PAGES, Credential.NOTHING_HELPS)
