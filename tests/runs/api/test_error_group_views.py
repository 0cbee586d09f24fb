"""The REST API of error groups: reading, and decisions in the name of an API key."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone

from runs.api.openapi import build_openapi_document
from runs.models import AuditEvent, ErrorGroup, ErrorGroupEvent, Project, User
from tests import factories
from tests.runs.api.api_client import assert_error

URL = "/api/v1/error_groups"


@pytest.fixture
def groups(project: Project) -> dict[str, ErrorGroup]:
    """Three groups with 3, 2 and 1 failed runs of today, the last one older than two weeks."""
    now = int(timezone.now().timestamp())
    runs = [
        factories.failed_run(code, "It broke", id=f"run_{code}_{number}", created_at=now - 60 - age, model=code)
        for code, count, age in (("many", 3, 0), ("few", 2, 600), ("old", 1, 20 * 86_400))
        for number in range(count)
    ]
    assert not factories.post(project, *runs).errors
    return {str(group.code): group for group in ErrorGroup.objects.in_project(project)}


@pytest.fixture
def key(project: Project) -> str:
    return factories.make_key(project)


def send(key: str, method: str, path: str = "", body: Any = None) -> Any:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"}
    return Client().generic(method, URL + path, content, content_type="application/json", headers=headers)


def list_codes(key: str, query: str = "") -> list[str]:
    response = send(key, "GET", query)
    assert response.status_code == 200, response.content
    return [group["code"] for group in response.json()["data"]]


def check_document(name: str, document: Any) -> None:
    components = build_openapi_document()["components"]
    jsonschema.validate(document, {**components["schemas"][name], "components": components})


def test_groups_are_listed_with_their_numbers(key: str, groups: dict[str, ErrorGroup]) -> None:
    document = send(key, "GET").json()
    check_document("ErrorGroupListDocument", document)
    assert [(group["code"], group["runs"]) for group in document["data"]] == [("many", 3), ("few", 2)]
    assert (document["unsuccessful_runs"], document["groups"], document["has_more"]) == (5, 2, False)
    group = document["data"][0]
    assert (group["id"], group["state"], group["assignee"]) == (str(groups["many"].pk), "open", None)
    headers = {"Authorization": f"Bearer {key}"}
    runs = Client().get("/api/v1/runs", {"q": group["query"]}, headers=headers).json()["data"]
    assert {run["id"] for run in runs} == {f"run_many_{number}" for number in range(3)}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("?from=-90d", ["many", "few", "old"]),
        ("?q=model:few", ["few"]),
        ("?model=many&state=open", ["many"]),
        ("?state=resolved", ["few"]),
        ("?assignee=ann", ["many"]),
        ("?assignee=none", ["few"]),
        ("?from=-90d&sort=last&limit=1", ["many"]),
        ("?from=-90d&state=new", ["many", "few"]),
    ],
)
def test_groups_are_selected_by_parameters(
    key: str, project: Project, groups: dict[str, ErrorGroup], query: str, codes: list[str]
) -> None:
    factories.make_user(project, name="ann")
    send(key, "PATCH", f"/{groups['few'].pk}", {"state": "resolved"})
    send(key, "PATCH", f"/{groups['many'].pk}", {"assignee": "ann"})
    assert list_codes(key, query) == codes


@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("state=opne", "state", "did you mean 'open'?"),
        ("sort=x", "sort", "expected one of runs, last, first"),
        ("limit=0", "limit", "expected a number from 1 to 1,000"),
        ("stat=open", "stat", "unknown parameter; did you mean 'state'?"),
        ("q=foo:1", "q", "unknown field"),
        ("state=open&state=all", "state", "given more than once"),
    ],
)
def test_invalid_parameters_are_named(
    key: str, groups: dict[str, ErrorGroup], query: str, name: str, message: str
) -> None:
    error = assert_error(send(key, "GET", f"?{query}"), 400, "invalid_filter")
    assert [field["path"] for field in error["fields"]] == [name]
    assert message in error["fields"][0]["message"]


def test_group_is_changed_in_the_name_of_the_key(
    key: str, project: Project, groups: dict[str, ErrorGroup], member: User
) -> None:
    path = f"/{groups['many'].pk}"
    body = {"state": "ignored", "ignored_until": "runs", "ignored_until_runs": 5, "assignee": member.get_username()}
    document = send(key, "PATCH", path, body).json()
    check_document("ErrorGroupDetailDocument", document)
    assert document == send(key, "GET", path).json()
    assert {name: document[name] for name in body} == body
    assert [event["by"] for event in document["events"]] == ["API key test"] * 2
    assert set(AuditEvent.objects.values_list("user_name", "action")) == {
        ("API key test", "ignored 1 group until 5 more runs of errors"),
        ("API key test", f"assigned 1 group to {member.get_username()} of errors"),
    }
    document = send(key, "PATCH", path, {"assignee": None}).json()
    assert (document["assignee"], document["state"]) == (None, "ignored")


def test_several_groups_are_changed_at_once(key: str, groups: dict[str, ErrorGroup]) -> None:
    at = timezone.now() + timedelta(days=2)
    ids = [str(groups[code].pk) for code in ("many", "old")]
    body = {"ids": ids, "state": "ignored", "ignored_until": "date", "ignored_until_at": at.isoformat()}
    assert send(key, "PATCH", body=body).json() == {"changed": 2}
    assert set(ErrorGroup.objects.filter(state="ignored", ignored_until_at=at).values_list("code", flat=True)) == {
        "many",
        "old",
    }
    assert ErrorGroupEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({"state": "muted"}, "/state", "expected one of open, resolved, ignored, found 'muted'"),
        ({"state": 7}, "/state", "expected string, got integer"),
        ({"stat": "open"}, "/stat", "unknown field; expected state, ignored_until"),
        ({"state": "open", "ignored_until": "forever"}, "/ignored_until", "expected only with the state ignored"),
        ({"state": "ignored", "ignored_until": "runs"}, "/ignored_until_runs", "expected 1 to 100,000 runs"),
        (
            {"state": "ignored", "ignored_until_runs": 5},
            "/ignored_until_runs",
            "only with `ignored_until` runs",
        ),
        ({"state": "ignored", "ignored_until": "runs", "ignored_until_runs": 0}, "/ignored_until_runs", ">= 1"),
        (
            {"state": "ignored", "ignored_until": "date", "ignored_until_at": "2020-01-01T00:00:00Z"},
            "/ignored_until_at",
            "expected a time in the future",
        ),
        ({"assignee": "stranger"}, "/assignee", "expected a member of the project who may write, found 'stranger'"),
        ({}, "", "expected `state`, `assignee`, or both"),
        ([], "", "expected an object"),
    ],
)
def test_invalid_changes_name_the_field(
    key: str, groups: dict[str, ErrorGroup], body: Any, path: str, message: str
) -> None:
    error = assert_error(send(key, "PATCH", f"/{groups['many'].pk}", body), 400, "invalid_object")
    assert [field["path"] for field in error["fields"]] == [path]
    assert message in error["fields"][0]["message"]
    assert not ErrorGroupEvent.objects.exists()


def test_groups_of_other_projects_are_unknown(key: str, project: Project, groups: dict[str, ErrorGroup]) -> None:
    foreign = factories.make_key(factories.make_project("other"))
    path, known = f"/{groups['many'].pk}", str(groups["many"].pk)
    for method, body in (("GET", None), ("PATCH", {"state": "resolved"})):
        assert_error(send(foreign, method, path, body), 404, "not_found")
        assert_error(send(key, method, "/nothing", body), 404, "not_found")
    unknown = str(uuid.uuid4())
    error = assert_error(send(key, "PATCH", body={"ids": [known, unknown], "state": "resolved"}), 400, "invalid_object")
    assert error["fields"] == [{"path": "/ids/1", "message": f"no error group '{unknown}'"}]
    error = assert_error(send(key, "PATCH", body={"ids": ["x"], "state": "resolved"}), 400, "invalid_object")
    assert error["fields"][0]["path"] == "/ids/0"
    assert_error(send(key, "PATCH", body=b"{"), 400, "unreadable_body")
    assert not ErrorGroupEvent.objects.exists()


@pytest.mark.parametrize("scopes", [("read",), ("ingest", "read", "delete")])
def test_changes_require_the_scope_triage(project: Project, groups: dict[str, ErrorGroup], scopes: Any) -> None:
    key = factories.make_key(project, *scopes)
    error = assert_error(send(key, "PATCH", f"/{groups['many'].pk}", {"state": "resolved"}), 403, "forbidden")
    assert error["message"] == "The API key lacks the scope 'triage'"
    assert not ErrorGroupEvent.objects.exists()
