"""Reading runs back: one as it was posted, and the list page by page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from runs.models import Project, Run
from tests import factories
from tests.factories import NOW, run_object
from tests.runs.api.caller import JSON, RUNS, Caller, error_of

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
def test_a_run_comes_back_as_it_was_posted(caller: Caller, body: bytes) -> None:
    assert caller.send(body).status_code == 201
    response = caller.get(f"{RUNS}/run_1")
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    assert numbers_as_written(response.content) == numbers_as_written(body)


@pytest.mark.parametrize("run_id", ["run/with/slashes", "läuft 100%", "a?b#c", "run_1 ", ".", "x" * 256, "a+b", "'"])
def test_any_id_can_be_asked_for(caller: Caller, run_id: str) -> None:
    posted = run_object(id=run_id)
    caller.post(posted)
    assert caller.get(f"{RUNS}/{quote(run_id, safe='')}").json() == posted


@pytest.mark.parametrize("run_id", ["run_unknown", "%00", "%FF", "x" * 5000, "run_1%20"])
def test_an_unknown_run_is_not_found(caller: Caller, run_id: str) -> None:
    caller.post(run_object(id="run_1"))
    error_of(caller.get(f"{RUNS}/{run_id}"), 404, "not_found")


def test_head_answers_like_get_without_a_body(caller: Caller, project: Project) -> None:
    run = factories.post_run(project)
    response = caller.request("HEAD", f"{RUNS}/{run.external_id}")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/x-ndjson", "text/event-stream", "nonsense"])
def test_json_is_answered_whatever_is_accepted(caller: Caller, accept: str) -> None:
    posted = run_object()
    assert caller.send(json.dumps(posted).encode(), Accept=accept).status_code == 201
    assert caller.get(f"{RUNS}/{posted['id']}", Accept=accept).json() == posted


# the list


def pages(caller: Caller, query: str) -> list[list[str]]:
    """The ids of all pages, walked to the end."""
    found, cursor = [], ""
    for _ in range(100):
        body = caller.get(f"{RUNS}?{query}{cursor}").json()
        assert body.keys() == {"object", "data", "next_cursor"}
        found.append([run["id"] for run in body["data"]])
        if body["next_cursor"] is None:
            return found
        cursor = f"&cursor={quote(body['next_cursor'])}"
    raise AssertionError("the list does not end")


def test_the_list_gives_runs_as_they_were_posted_newest_first(caller: Caller, project: Project) -> None:
    runs = [run_object(created_at=NOW - age, started_at=None) for age in (20, 0, 10)]
    caller.post(runs)
    body = caller.get(RUNS).json()
    assert body == {"object": "list", "data": [runs[1], runs[2], runs[0]], "next_cursor": None}


def test_pages_neither_repeat_nor_miss_a_run(caller: Caller, project: Project) -> None:
    runs = [run_object(created_at=NOW + number // 7, started_at=None) for number in range(20)]
    factories.post(project, *runs)
    walked = pages(caller, "limit=3")
    assert [len(page) for page in walked] == [3] * 6 + [2]
    found = [each for page in walked for each in page]
    assert sorted(found) == sorted(run["id"] for run in runs)
    whole = [run["id"] for run in caller.get(RUNS).json()["data"]]
    assert found == whole


def test_a_full_last_page_is_the_last(caller: Caller, project: Project) -> None:
    factories.post(project, *(run_object() for _ in range(6)))
    assert [len(page) for page in pages(caller, "limit=3")] == [3, 3]
    assert pages(caller, "status=queued") == [[]]


def test_filters_hold_on_every_page(caller: Caller, project: Project) -> None:
    failed = [factories.failed_run() for _ in range(5)]
    factories.post(project, *failed, *(run_object() for _ in range(5)))
    walked = pages(caller, "limit=2&status=failed")
    assert sorted(each for page in walked for each in page) == sorted(run["id"] for run in failed)


def test_a_page_costs_the_same_however_long_it_is(
    caller: Caller, project: Project, django_assert_max_num_queries: Any
) -> None:
    factories.post(project, *(run_object(instructions=f"No. {number}") for number in range(20)))
    caller.get(RUNS)
    for limit in (10, 20):
        with django_assert_max_num_queries(3):  # the key, the runs, their configurations
            assert len(caller.get(f"{RUNS}?limit={limit}").json()["data"]) == limit


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
def test_what_is_not_understood_is_refused_by_name(caller: Caller, query: str, path: str, message: str) -> None:
    error = error_of(caller.get(f"{RUNS}?{query}"), 400, "invalid_filter")
    assert [each["path"] for each in error["fields"]] == [path]
    assert message in error["fields"][0]["message"]
    assert path in error["message"]


def test_everything_that_is_wrong_is_named_at_once(caller: Caller) -> None:
    error = error_of(caller.get(f"{RUNS}?nonsense=1&status=faild&from=x"), 400, "invalid_filter")
    assert [each["path"] for each in error["fields"]] == ["nonsense", "status", "from"]


@pytest.mark.parametrize("age", ["-99999w", "-99999d", "-0s", "9999-12-31", "0001-01-01"])
def test_times_at_the_ends_of_time_can_be_asked_for(caller: Caller, project: Project, age: str) -> None:
    factories.post_run(project)
    assert caller.get(f"{RUNS}?from={age}").status_code == 200
    assert caller.get(f"{RUNS}?to={age}").status_code == 200


# removal


def test_a_removed_run_is_gone_with_all_that_belongs_to_it(caller: Caller, project: Project) -> None:
    run = factories.post_run(project)
    assert caller.request("DELETE", f"{RUNS}/{run.external_id}").status_code == 204
    error_of(caller.get(f"{RUNS}/{run.external_id}"), 404, "not_found")
    error_of(caller.request("DELETE", f"{RUNS}/{run.external_id}"), 404, "not_found")
    assert not Run.objects.exists()
