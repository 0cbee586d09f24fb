"""API keys: authentication, scopes and projects."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.models import ApiKey, AuditEvent, Project, Run
from runs.team import api_keys, failure_reports
from runs.team.report_limiter import ReportLimiter
from tests import factories
from tests.runs.api.api_client import RUNS, ApiClient, assert_error


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer unknown",
        "Bearer rg_\u00e9\u00ff",
        "rg_without_scheme",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.django_db
def test_unknown_key_gets_401(header: str | None, method: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = ApiClient(None).request(method, f"{RUNS}/run_1" if method != "POST" else RUNS, **headers)
    assert_error(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_revoked_key_gets_401(project: Project) -> None:
    secret = factories.make_key(project)
    ApiKey.objects.update(revoked_at=timezone.now())
    response = ApiClient(secret).get(f"{RUNS}/run_1")
    assert_error(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_revocation_takes_effect_at_once(project: Project) -> None:
    client = ApiClient.for_project(project)
    assert [client.get(RUNS).status_code for _ in range(3)] == [200] * 3
    api_keys.revoke_api_key(ApiKey.objects.get())
    assert_error(client.get(RUNS), 401, "unauthorized")


def test_key_ends_at_its_expiry(project: Project) -> None:
    secret = api_keys.create_api_key(project, "night", lifetime=timedelta(days=1))
    client = ApiClient(secret)
    assert client.get(RUNS).status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    assert_error(client.get(RUNS), 401, "unauthorized")
    assert not api_keys.is_usable_api_key(secret)
    event = AuditEvent.objects.get(category=AuditEvent.Category.KEY_FAILURE)
    assert (event.project, event.action) == (project, "was refused: it has expired")


def test_changed_key_takes_effect_at_once(project: Project) -> None:
    secret = factories.make_key(project)
    for changes in ({"scopes": ["read"]}, {"name": "another"}, {"scopes": ["ingest"]}):
        ApiKey.objects.update(**changes)
        key = api_keys.find_api_key(secret)
        assert key is not None
        assert {name: getattr(key, name) for name in changes} == changes
    Project.objects.update(prices={"m": {"input": "1", "output": "2"}})
    key = api_keys.find_api_key(secret)
    assert key is not None
    assert key.project.prices
    ApiKey.objects.all().delete()
    assert api_keys.find_api_key(secret) is None


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_scheme_is_case_insensitive(project: Project, scheme: str) -> None:
    secret = factories.make_key(project)
    response = ApiClient(None).request("GET", RUNS, Authorization=f"{scheme} {secret} ")
    assert response.status_code == 200


@pytest.mark.parametrize("scope", ["ingest", "read", "delete"])
def test_scope_limits_methods(project: Project, scope: str) -> None:
    run = factories.post_run(project)
    client = ApiClient.for_project(project, scope)
    responses = {
        "ingest": client.post(factories.run_object()),
        "read": client.get(f"{RUNS}/{run.external_id}"),
        "delete": client.request("DELETE", f"{RUNS}/{run.external_id}"),
    }
    assert responses.pop(scope).status_code < 300
    for missing, rejected in responses.items():
        assert f"'{missing}'" in assert_error(rejected, 403, "forbidden")["message"]
        assert "WWW-Authenticate" not in rejected


def test_read_key_stores_nothing(project: Project) -> None:
    ApiClient.for_project(project, "read").post(factories.run_object())
    assert not Run.objects.exists()


def test_only_hash_and_prefix_are_stored(project: Project) -> None:
    secret = factories.make_key(project)
    stored = ApiKey.objects.values().get()
    assert stored["prefix"] == secret[: api_keys.KEY_PREFIX_LENGTH]
    assert len(bytes(stored["digest"])) == 32
    assert secret not in str(stored)
    assert secret[api_keys.KEY_PREFIX_LENGTH :] not in str(stored)


def test_keys_are_long_and_unique(project: Project) -> None:
    made = {factories.make_key(project) for _ in range(20)}
    assert len(made) == 20
    assert all(len(secret) > 40 and secret.startswith("rg_") for secret in made)


def test_last_use_is_recorded_once_a_minute(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = factories.make_key(project)
    api_keys.find_api_key(secret)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):  # the key with its project; nothing is written
        api_keys.find_api_key(secret)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    api_keys.find_api_key(secret)
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    assert noted >= first


@pytest.mark.parametrize("below", ["", "/steps", "/history"])
def test_runs_of_other_projects_get_404(project: Project, below: str) -> None:
    run = factories.post_run(project)
    stranger = ApiClient.for_project(factories.make_project("other"))
    hidden = stranger.get(f"{RUNS}/{run.external_id}{below}")
    unknown = stranger.get(f"{RUNS}/run_unknown{below}")
    assert_error(hidden, 404, "not_found")
    assert hidden.content.replace(run.external_id.encode(), b"run_unknown") == unknown.content


def test_other_projects_are_neither_listed_nor_deleted(project: Project) -> None:
    run = factories.post_run(project)
    stranger = ApiClient.for_project(factories.make_project("other"))
    assert_error(stranger.request("DELETE", f"{RUNS}/{run.external_id}"), 404, "not_found")
    assert stranger.get(RUNS).json()["data"] == []
    assert Run.objects.filter(pk=run.pk).exists()


def test_projects_may_share_run_ids(project: Project) -> None:
    other = factories.make_project("other")
    mine, theirs = factories.run_object(id="run_1", model="a"), factories.run_object(id="run_1", model="b")
    assert ApiClient.for_project(project).post(mine).json()["outcome"] == "created"
    assert ApiClient.for_project(other).post(theirs).json()["outcome"] == "created"
    assert ApiClient.for_project(project).get(f"{RUNS}/run_1").json() == mine
    assert ApiClient.for_project(other).get(f"{RUNS}/run_1").json() == theirs


def test_run_records_its_api_key(project: Project, client: ApiClient) -> None:
    client.post(factories.run_object())
    assert Run.objects.get().received_key == ApiKey.objects.get()


@pytest.fixture
def fresh_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_reports, "_key_limiter", ReportLimiter())


def recorded(project: Project | None) -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.newest(project)
    return [(event.user_name, event.action, event.address) for event in events if event.category == "key_failure"]


def test_refused_keys_are_recorded(project: Project, fresh_limiter: None) -> None:
    secret = factories.make_key(project, "read")
    ApiClient(secret).post(factories.run_object())
    api_keys.revoke_api_key(ApiKey.objects.get())
    for _ in range(3):
        ApiClient(secret).get(RUNS)
    name = f"API key test ({secret[:10]}…)"
    assert recorded(project) == [
        (name, "was refused: it is revoked", "127.0.0.1"),
        (name, "was refused: The API key lacks the scope 'ingest'", "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    ("secret", "name"),
    [("rg_" + "a" * 43, "API key rg_aaaaaaa…"), ("sk-another-vendors-secret", "API key of another form")],
)
@pytest.mark.parametrize("path", [RUNS, "/v1/threads"])
def test_unknown_keys_are_recorded_without_secret(
    db: None, fresh_limiter: None, secret: str, name: str, path: str
) -> None:
    ApiClient(secret).get(path)
    assert recorded(None) == [(name, "was refused: it is unknown", "127.0.0.1")]


def test_flood_of_refused_keys_writes_little(db: None, fresh_limiter: None) -> None:
    for number in range(100):
        ApiClient(f"rg_{number:07d}").get(RUNS)
    assert AuditEvent.objects.count() <= 35
