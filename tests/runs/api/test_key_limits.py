"""Keys that read only the runs of a query, and the limit of requests a minute."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.errors import InvalidKeyScopes
from runs.models import ApiKey, Project, RequestCount
from runs.team.api_keys import create_api_key
from tests import factories
from tests.runs.api.api_client import RUNS, ApiClient, assert_error

ACME = {"customer": "acme"}
# the time of the runs of tests
USAGE = "/api/v1/usage?from=2024-01-01&to=2030-01-01"


@pytest.fixture
def acme(project: Project) -> ApiClient:
    """A key for the runs of one customer, in a thread with the run of another."""
    runs = [
        factories.run_object(id="run_acme", thread_id="t", metadata=ACME),
        factories.run_object(id="run_other", thread_id="t", metadata={"customer": "other"}),
        factories.run_object(id="run_elsewhere", thread_id="t2", metadata={}),
    ]
    factories.post(project, *runs)
    for run in runs:
        factories.post_steps(project, factories.step_object(run, factories.function_call("f"), id=f"step_{run['id']}"))
    return ApiClient(create_api_key(project, "acme", ["read"], query="metadata.customer:acme"))


def list_ids(client: ApiClient, path: str) -> list[str]:
    return [item["id"] for item in json.loads(client.get(path).content)["data"]]


@pytest.mark.parametrize(
    "query", ["", "q=status:*", "q=metadata.customer:other+OR+id:run_acme", "limit=1&sort=created"]
)
def test_lists_have_only_matching_runs(acme: ApiClient, query: str) -> None:
    assert list_ids(acme, f"{RUNS}?{query}") == ["run_acme"]


def test_lists_of_threads_have_only_matching_runs(acme: ApiClient) -> None:
    assert list_ids(acme, "/v1/threads/t/runs") == ["run_acme"]
    assert list_ids(acme, "/v1/threads/t/runs/run_acme/steps") == ["step_run_acme"]
    unknown = acme.get("/v1/threads/t9/runs")
    hidden = acme.get("/v1/threads/t2/runs")
    assert (hidden.status_code, hidden.content) == (404, unknown.content.replace(b"'t9'", b"'t2'"))


@pytest.mark.parametrize("path", ["", "/steps"])
def test_other_runs_seem_absent(acme: ApiClient, path: str) -> None:
    assert acme.get(f"{RUNS}/run_acme{path}").status_code == 200
    hidden = acme.get(f"{RUNS}/run_other{path}")
    unknown = acme.get(f"{RUNS}/run_none{path}")
    assert (hidden.status_code, hidden.content) == (404, unknown.content.replace(b"run_none", b"run_other"))


def test_usage_is_that_of_matching_runs(acme: ApiClient, project: Project) -> None:
    totals = json.loads(acme.get(USAGE).content)["totals"]
    everything = ApiClient.for_project(project).get(USAGE)
    assert (totals["runs"], json.loads(everything.content)["totals"]["runs"]) == (1, 3)


def test_other_paths_are_closed(acme: ApiClient) -> None:
    error = assert_error(acme.get(f"{RUNS}/run_acme/history"), 403, "forbidden")
    assert error["message"] == "The API key reads only runs that match metadata.customer:acme, not this path"


@pytest.mark.parametrize("scopes", [["ingest"], ["read", "ingest"], ["read", "delete"], []])
def test_key_with_query_only_reads(project: Project, scopes: list[str]) -> None:
    with pytest.raises(InvalidKeyScopes):
        create_api_key(project, "key", scopes, query="status:failed")


@pytest.mark.parametrize(
    ("path", "code"), [(RUNS, "too_many_requests"), ("/v1/threads", "rate_limit_exceeded"), ("/v1/traces", None)]
)
def test_requests_beyond_the_limit_get_429(project: Project, path: str, code: str | None) -> None:
    project.max_requests_per_minute = 2
    project.save()
    client = ApiClient.for_project(project)
    RequestCount.objects.create(project=project, minute=timezone.now() - timedelta(hours=1), requests=99)
    for _ in range(3):  # in case a minute ends between them
        statuses = [client.get(RUNS).status_code for _ in range(2)]
        refused = client.post({}, path) if code is None else client.get(path)
        if refused.status_code == 429:
            break
    assert statuses == [200, 200]
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    if code is not None:
        assert json.loads(refused.content)["error"]["code"] == code
    RequestCount.objects.update(minute=timezone.now() - timedelta(minutes=1))
    assert client.get(RUNS).status_code == 200


def test_limit_counts_all_keys_of_the_project(project: Project) -> None:
    other = factories.make_project("other")
    Project.objects.update(max_requests_per_minute=1)
    clients = [ApiClient.for_project(owner) for owner in (project, project, other)]
    minutes = RequestCount.objects.values_list("minute", flat=True).distinct()
    for _ in range(3):
        RequestCount.objects.all().delete()
        statuses = [client.get(RUNS).status_code for client in clients]
        if minutes.count() == 1:
            break
    assert statuses == [200, 429, 200]


def test_requests_without_limit_are_not_counted(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = ApiClient.for_project(project)
    client.get(RUNS)
    with django_assert_num_queries(2):  # the version of the key, and the runs
        client.get(RUNS)
    assert not RequestCount.objects.exists()


def test_last_use_has_an_address(project: Project) -> None:
    ApiClient.for_project(project).get(RUNS)
    assert ApiKey.objects.get().last_used_address == "127.0.0.1"
