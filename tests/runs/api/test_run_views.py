"""Reading runs: single runs, exactly as posted, and the list page by page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from runs.models import AuditEvent, Message, Project, Run
from tests import factories
from tests.factories import NOW, run_object
from tests.runs.api.api_client import JSON, RUNS, ApiClient, assert_error

_HEAD = b'"id":"run_1","object":"thread.run","assistant_id":"a","thread_id":"t"'

BODIES = [
    b'{%s,"created_at":1,"status":"queued"}' % _HEAD,
    b'{"status":"of their own","temperature":1.0,"top_p":1e0,"extra":123456789012345678901234567890,'
    b'"metadata":[],"created_at":1795000000123,%s}' % _HEAD,
    b'{%s,"created_at":1,"status":"failed","last_error":'
    b'{"code":"server_error","message":"a \\u0000 and a \\ud800 and \xf0\x9f\x98\x80","param":null}}' % _HEAD,
]


def numbers_as_written(raw: bytes) -> Any:
    return json.loads(raw, parse_float=lambda digits: ("number", digits), parse_int=lambda digits: ("number", digits))


@pytest.mark.parametrize("body", BODIES)
def test_run_is_returned_as_posted(client: ApiClient, body: bytes) -> None:
    assert client.send(body).status_code == 201
    response = client.get(f"{RUNS}/run_1")
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    assert numbers_as_written(response.content) == numbers_as_written(body)


@pytest.mark.parametrize("run_id", ["läuft 100%", "a?b#c", "...", "x" * 256, "a+b", "'", "a\\b"])
def test_any_id_can_be_requested(client: ApiClient, run_id: str) -> None:
    posted = run_object(id=run_id)
    client.post(posted)
    assert client.get(f"{RUNS}/{quote(run_id, safe='')}").json() == posted


@pytest.mark.parametrize("run_id", ["run_unknown", "%FF", "x" * 5000, "run_1%20"])
def test_unknown_run_gets_404(client: ApiClient, run_id: str) -> None:
    client.post(run_object(id="run_1"))
    assert_error(client.get(f"{RUNS}/{run_id}"), 404, "not_found")


def test_nul_in_the_path_is_malformed(client: ApiClient) -> None:
    assert client.get(f"{RUNS}/%00").status_code == 400


def test_head_has_no_body(client: ApiClient, project: Project) -> None:
    run = factories.post_run(project)
    response = client.request("HEAD", f"{RUNS}/{run.external_id}")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/x-ndjson", "text/event-stream", "nonsense"])
def test_accept_header_is_ignored(client: ApiClient, accept: str) -> None:
    posted = run_object()
    assert client.send(json.dumps(posted).encode(), Accept=accept).status_code == 201
    assert client.get(f"{RUNS}/{posted['id']}", Accept=accept).json() == posted


# the list


def pages(client: ApiClient, query: str) -> list[list[str]]:
    """Return the ids of all pages."""
    ids, cursor = [], ""
    for _ in range(100):
        body = client.get(f"{RUNS}?{query}{cursor}").json()
        assert body.keys() == {"object", "data", "next_cursor"}
        ids.append([run["id"] for run in body["data"]])
        if body["next_cursor"] is None:
            return ids
        cursor = f"&cursor={quote(body['next_cursor'])}"
    raise AssertionError("the list does not end")


def test_list_returns_posted_runs_newest_first(client: ApiClient, project: Project) -> None:
    runs = [run_object(created_at=NOW - age, started_at=None) for age in (20, 0, 10)]
    client.post(runs)
    body = client.get(RUNS).json()
    assert body == {"object": "list", "data": [runs[1], runs[2], runs[0]], "next_cursor": None}


def test_pages_neither_repeat_nor_miss_runs(client: ApiClient, project: Project) -> None:
    runs = [run_object(created_at=NOW + number // 7, started_at=None) for number in range(20)]
    factories.post(project, *runs)
    all_pages = pages(client, "limit=3")
    assert [len(page) for page in all_pages] == [3] * 6 + [2]
    ids = [item for page in all_pages for item in page]
    assert sorted(ids) == sorted(run["id"] for run in runs)
    unpaged = [run["id"] for run in client.get(RUNS).json()["data"]]
    assert ids == unpaged


def test_full_last_page_has_no_cursor(client: ApiClient, project: Project) -> None:
    factories.post(project, *(run_object() for _ in range(6)))
    assert [len(page) for page in pages(client, "limit=3")] == [3, 3]
    assert pages(client, "status=queued") == [[]]


def test_filters_apply_to_every_page(client: ApiClient, project: Project) -> None:
    failed = [factories.failed_run() for _ in range(5)]
    factories.post(project, *failed, *(run_object() for _ in range(5)))
    all_pages = pages(client, "limit=2&status=failed")
    assert sorted(item for page in all_pages for item in page) == sorted(run["id"] for run in failed)


def test_query_count_does_not_grow_with_limit(
    client: ApiClient, project: Project, django_assert_max_num_queries: Any
) -> None:
    factories.post(project, *(run_object(instructions=f"No. {number}") for number in range(20)))
    client.get(RUNS)
    for limit in (10, 20):
        with django_assert_max_num_queries(3):  # the key, the runs, their configurations
            assert len(client.get(f"{RUNS}?limit={limit}").json()["data"]) == limit


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ("limit=0", "limit", "1 to 500"),
        ("limit=501", "limit", "1 to 500"),
        ("limit=-1", "limit", "1 to 500"),
        ("limit=ten", "limit", "1 to 500"),
        ("limit=", "limit", "1 to 500"),
        ("limit=1&limit=2", "limit", "1 to 500"),
        ("limit=" + "9" * 5000, "limit", "1 to 500"),
        ("limit=²", "limit", "1 to 500"),
        ("cursor=", "cursor", "not a cursor"),
        ("cursor=garbage", "cursor", "not a cursor"),
        ("cursor=a&cursor=b", "cursor", "more than once"),
        ("statsu=failed", "statsu", "'status'"),
        ("status=faild", "status", "'failed'"),
        ("status=", "status", "found none"),
        ("model=%00", "model", "NUL"),
        ("from=yesterday", "from", "expected a time"),
        ("from=0001-01-01T00:00%2B14:00", "from", "expected a time"),
        ("format=xml", "format", "unknown parameter"),
    ],
)
def test_invalid_parameters_are_named(client: ApiClient, query: str, path: str, message: str) -> None:
    error = assert_error(client.get(f"{RUNS}?{query}"), 400, "invalid_filter")
    assert [problem["path"] for problem in error["fields"]] == [path]
    assert message in error["fields"][0]["message"]
    assert path in error["message"]


def test_all_invalid_parameters_are_listed(client: ApiClient) -> None:
    error = assert_error(client.get(f"{RUNS}?nonsense=1&status=faild&from=x"), 400, "invalid_filter")
    assert [problem["path"] for problem in error["fields"]] == ["nonsense", "status", "from"]


@pytest.mark.parametrize("age", ["-99999w", "-99999d", "-0s", "9999-12-31", "0001-01-01"])
def test_extreme_times_are_accepted(client: ApiClient, project: Project, age: str) -> None:
    factories.post_run(project)
    assert client.get(f"{RUNS}?from={age}").status_code == 200
    assert client.get(f"{RUNS}?to={age}").status_code == 200


# deletion


def test_deleted_run_gets_404(client: ApiClient, project: Project) -> None:
    run = factories.post_run(project)
    assert client.request("DELETE", f"{RUNS}/{run.external_id}").status_code == 204
    assert_error(client.get(f"{RUNS}/{run.external_id}"), 404, "not_found")
    assert_error(client.request("DELETE", f"{RUNS}/{run.external_id}"), 404, "not_found")
    assert not Run.objects.exists()
    (event,) = AuditEvent.objects.newest(project)
    assert str(event) == f"API key test deleted the run {run.external_id}: 1 run, 0 steps and 0 messages"
    assert (event.category, event.address) == ("deletion", "127.0.0.1")


def test_deleted_thread_gets_404(client: ApiClient, project: Project) -> None:
    run = factories.run_object(thread_id="thread_1?")
    factories.post(project, run)
    factories.post_messages(project, factories.message_object(run), factories.message_object(thread_id="thread_1?"))
    for status in (204, 404):
        assert client.request("DELETE", "/api/v1/threads/thread_1%3F").status_code == status
    assert not Message.objects.exists()
    (event,) = AuditEvent.objects.newest(project)
    assert event.action == "deleted the thread thread_1?: 1 run, 0 steps and 2 messages"
    assert client.request("DELETE", "/api/v1/threads/%00").status_code == 400
