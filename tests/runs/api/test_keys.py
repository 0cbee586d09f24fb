"""Who may do what, by the key in the header."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.models import ApiKey, Project, Run
from runs.team import api_keys
from tests import factories
from tests.runs.api.caller import RUNS, Caller, error_of


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
def test_without_a_known_key_nothing_is_answered(header: str | None, method: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Caller(None).request(method, f"{RUNS}/run_1" if method != "POST" else RUNS, **headers)
    error_of(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_is_as_good_as_none(project: Project) -> None:
    secret = factories.make_key(project)
    ApiKey.objects.update(revoked_at=timezone.now())
    response = Caller(secret).get(f"{RUNS}/run_1")
    error_of(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_revoking_a_key_works_at_once_however_often_it_was_used(project: Project) -> None:
    caller = Caller.of(project)
    assert [caller.get(RUNS).status_code for _ in range(3)] == [200] * 3
    api_keys.revoke_api_key(ApiKey.objects.get())
    error_of(caller.get(RUNS), 401, "unauthorized")


def test_what_a_key_may_do_and_its_project_are_never_out_of_date(project: Project) -> None:
    secret = factories.make_key(project)
    for changes in ({"scopes": ["read"]}, {"name": "another"}, {"scopes": ["ingest"]}):
        ApiKey.objects.update(**changes)
        found = api_keys.find_api_key(secret)
        assert found is not None
        assert {name: getattr(found, name) for name in changes} == changes
    Project.objects.update(prices={"m": {"input": "1", "output": "2"}})
    found = api_keys.find_api_key(secret)
    assert found is not None
    assert found.project.prices
    ApiKey.objects.all().delete()
    assert api_keys.find_api_key(secret) is None


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_as_http_says(project: Project, scheme: str) -> None:
    secret = factories.make_key(project)
    response = Caller(None).request("GET", RUNS, Authorization=f"{scheme} {secret} ")
    assert response.status_code == 200


@pytest.mark.parametrize(("scope", "posting", "reading"), [("ingest", 201, 403), ("read", 403, 200)])
def test_a_key_does_what_its_scope_says_and_no_more(project: Project, scope: str, posting: int, reading: int) -> None:
    run = factories.post_run(project)
    caller = Caller.of(project, scope)
    posted = caller.post(factories.run_object())
    read = caller.get(f"{RUNS}/{run.external_id}")
    assert (posted.status_code, read.status_code) == (posting, reading)
    refused = posted if posting == 403 else read
    error = error_of(refused, 403, "forbidden")
    assert f"'{'read' if scope == 'ingest' else 'ingest'}'" in error["message"]
    assert "WWW-Authenticate" not in refused


def test_a_key_that_may_not_post_stores_nothing(project: Project) -> None:
    Caller.of(project, "read").post(factories.run_object())
    assert not Run.objects.exists()


def test_only_hash_and_beginning_of_a_key_are_kept(project: Project) -> None:
    secret = factories.make_key(project)
    stored = ApiKey.objects.values().get()
    assert stored["prefix"] == secret[: api_keys.KEY_PREFIX_LENGTH]
    assert len(bytes(stored["digest"])) == 32
    assert secret not in str(stored)
    assert secret[api_keys.KEY_PREFIX_LENGTH :] not in str(stored)


def test_keys_are_long_and_never_the_same(project: Project) -> None:
    made = {factories.make_key(project) for _ in range(20)}
    assert len(made) == 20
    assert all(len(secret) > 40 and secret.startswith("rg_") for secret in made)


def test_the_last_use_is_noted_once_a_minute(
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
def test_another_projects_runs_look_like_none(project: Project, below: str) -> None:
    run = factories.post_run(project)
    stranger = Caller.of(factories.make_project("other"))
    hidden = stranger.get(f"{RUNS}/{run.external_id}{below}")
    unknown = stranger.get(f"{RUNS}/run_unknown{below}")
    error_of(hidden, 404, "not_found")
    assert hidden.content.replace(run.external_id.encode(), b"run_unknown") == unknown.content


def test_no_key_deletes_or_lists_another_projects_runs(project: Project) -> None:
    run = factories.post_run(project)
    stranger = Caller.of(factories.make_project("other"))
    error_of(stranger.request("DELETE", f"{RUNS}/{run.external_id}"), 404, "not_found")
    assert stranger.get(RUNS).json()["data"] == []
    assert Run.objects.filter(pk=run.pk).exists()


def test_the_same_id_in_two_projects_is_two_runs(project: Project) -> None:
    other = factories.make_project("other")
    mine, theirs = factories.run_object(id="run_1", model="a"), factories.run_object(id="run_1", model="b")
    assert Caller.of(project).post(mine).json()["outcome"] == "created"
    assert Caller.of(other).post(theirs).json()["outcome"] == "created"
    assert Caller.of(project).get(f"{RUNS}/run_1").json() == mine
    assert Caller.of(other).get(f"{RUNS}/run_1").json() == theirs


def test_a_run_remembers_the_key_it_came_with(project: Project, caller: Caller) -> None:
    caller.post(factories.run_object())
    assert Run.objects.get().received_key == ApiKey.objects.get()
