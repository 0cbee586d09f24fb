"""Tests of the time limit of reads."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from runs.db.query_time_limit import limit_query_time
from runs.errors import QueryTimeout
from runs.models import Run
from runs.transfer import exports
from tests import factories
from tests.runs.api.api_client import ApiClient

in_own_transaction = pytest.mark.django_db(transaction=True)


def execute(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


@in_own_transaction
def test_postgres_ends_a_statement() -> None:
    started = time.monotonic()
    with pytest.raises(QueryTimeout), limit_query_time(0.1):
        execute("SELECT pg_sleep(10)")
    assert time.monotonic() - started < 2


@in_own_transaction
def test_limit_is_for_all_statements_together() -> None:
    with pytest.raises(QueryTimeout), limit_query_time(0.2):
        any(execute("SELECT pg_sleep(0.05)") is None for _ in range(10))


@in_own_transaction
def test_session_keeps_no_timeout() -> None:
    with limit_query_time(5):
        assert execute("SHOW statement_timeout") != ("0",)
        assert connection.in_atomic_block
    assert execute("SHOW statement_timeout") == ("0",)
    assert not connection.in_atomic_block


@in_own_transaction
def test_read_without_queries_begins_nothing() -> None:
    connection.close()
    with limit_query_time(5):
        pass
    assert connection.connection is None


@in_own_transaction
def test_outer_block_survives_inner_timeout() -> None:
    with limit_query_time(5):
        execute("SELECT 1")
        with pytest.raises(QueryTimeout), limit_query_time(0.05):
            execute("SELECT pg_sleep(5)")
        assert execute("SELECT 2") == (2,)
        assert execute("SHOW statement_timeout")[0] not in ("0", "50ms")


@in_own_transaction
def test_transactions_of_the_block_are_limited() -> None:
    with limit_query_time(5), transaction.atomic():
        assert execute("SHOW statement_timeout") != ("0",)


@in_own_transaction
def test_failed_block_leaves_a_usable_connection() -> None:
    with limit_query_time(5), pytest.raises(QueryTimeout), limit_query_time(0.05):
        execute("SELECT pg_sleep(5)")
    assert execute("SELECT 1") == (1,)


def test_timeout_is_not_among_counted_queries(db: None) -> None:
    with CaptureQueriesContext(connection) as queries, limit_query_time(5):
        execute("SELECT 1")
    assert [query["sql"] for query in queries] == ["SELECT 1"]


@pytest.fixture(autouse=True)
def _loaded_urls() -> None:
    """Import the views, which takes longer than the limits here if a test makes the first request of the process."""
    assert get_resolver().url_patterns


@pytest.fixture
def slow_reads(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Let every search for runs take longer than a read may."""
    settings.READ_TIMEOUT_SECONDS = 0.1
    monkeypatch.setattr(type(Run.objects.all()), "find", lambda *_: execute("SELECT pg_sleep(5)"))


@in_own_transaction
def test_slow_page_says_what_to_do(slow_reads: None) -> None:
    client = Client()
    client.force_login(factories.make_user(factories.make_project()))
    response = client.get("/p/default/runs/run_1/")
    assert response.status_code == 503
    assert "Choose a shorter time range" in response.content.decode()


@in_own_transaction
@pytest.mark.parametrize("path", ["/api/v1/runs/run_1", "/v1/threads/thread_1/runs/run_1"])
def test_slow_rest_reads_are_503(path: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.READ_TIMEOUT_SECONDS = 0.1
    api = ApiClient.for_project(factories.make_project(), "read")
    monkeypatch.setattr("runs.api.authentication.find_api_key", lambda *_: execute("SELECT pg_sleep(5)"))
    response = api.get(path)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "query_timeout"


@in_own_transaction
def test_statements_of_exports_are_limited(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    project = factories.make_project()
    client = Client()
    client.force_login(factories.make_user(project))
    settings.READ_TIMEOUT_SECONDS = 1
    shown: list[Any] = []
    monkeypatch.setattr(exports, "render_ndjson", lambda _: shown.append(execute("SHOW statement_timeout")) or [])
    assert b"".join(client.get("/p/default/runs.jsonl").streaming_content) == b""
    assert shown == [("3s",)]
    assert execute("SHOW statement_timeout") == ("0",)
