"""Posting objects: body formats, responses, limits and rejected bodies."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from django.test import RequestFactory
from pytest_django import Settings

from runs.api.run_views import RunListView
from runs.ingest import request_bodies
from runs.models import Assistant, Message, Project, Run, RunStep
from tests import factories
from tests.factories import run_object
from tests.runs.api.api_client import JSON, NDJSON, RUNS, ApiClient, assert_error

COUNTS = ("received", "created", "updated", "unchanged", "stale", "rejected")


def counts(response: Any) -> list[int]:
    body = response.json()
    assert body.keys() == {*COUNTS, "errors"}
    return [body[name] for name in COUNTS]


def encoded(*objects: Any, separator: bytes = b"\n") -> bytes:
    return separator.join(json.dumps(value).encode() for value in objects)


# single object


def test_single_object_reports_its_outcome(client: ApiClient) -> None:
    early = run_object(id="run_1", status="in_progress", completed_at=None, usage=None)
    late = run_object(id="run_1")
    responses = [client.post(item) for item in (early, early, late, early)]
    assert [response.status_code for response in responses] == [201, 200, 200, 200]
    outcomes = ["created", "unchanged", "updated", "stale"]
    assert [response.json() for response in responses] == [{"id": "run_1", "outcome": item} for item in outcomes]


def test_invalid_object_lists_all_invalid_fields(client: ApiClient) -> None:
    response = client.post(run_object(id="run_1", status=7, created_at="today"))
    error = assert_error(response, 400, "invalid_object")
    assert [(problem["index"], problem["id"], problem["path"]) for problem in error["fields"]] == [
        (0, "run_1", "/created_at"),
        (0, "run_1", "/status"),
    ]
    assert not Run.objects.exists()


def test_invalid_configuration_is_listed_with_other_errors(client: ApiClient) -> None:
    error = assert_error(client.post(run_object(id="run_1", model=7)), 400, "invalid_object")
    assert [(problem["id"], problem["path"]) for problem in error["fields"]] == [("run_1", "/model")]
    error = assert_error(
        client.post(run_object(id="run_1", model=7, usage={"total_tokens": "2"})), 400, "invalid_object"
    )
    assert {problem["path"] for problem in error["fields"]} == {"/model", "/usage/total_tokens"}


@pytest.mark.parametrize("body", [b"7", b'"run"', b"null", b"true", b'{"object":"list","data":{}}', b"{}"])
def test_body_without_run_is_rejected(client: ApiClient, body: bytes) -> None:
    assert client.send(body).status_code == 400
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("path", "model", "make"),
    [
        ("/api/v1/steps", RunStep, lambda: factories.step_object(run_object())),
        ("/api/v1/messages", Message, factories.message_object),
        ("/api/v1/assistants", Assistant, factories.assistant_object),
    ],
)
def test_other_object_types_have_their_own_paths(
    client: ApiClient, path: str, model: Any, make: Callable[[], dict[str, Any]]
) -> None:
    posted = make()
    assert client.post(posted, path).json() == {"id": posted["id"], "outcome": "created"}
    assert model.objects.get().external_id == posted["id"]
    hint = assert_error(client.post(posted), 400, "invalid_object")["fields"][0]["message"]
    assert path in hint


# several objects


def as_array(*runs: Any) -> tuple[bytes, str]:
    return encoded(list(runs)), JSON


def as_list(*runs: Any) -> tuple[bytes, str]:
    envelope = {"object": "list", "data": list(runs), "first_id": None, "last_id": None, "has_more": False}
    return encoded(envelope), JSON


def as_bare_list(*runs: Any) -> tuple[bytes, str]:
    return encoded({"data": list(runs)}), JSON


def as_lines(*runs: Any) -> tuple[bytes, str]:
    return encoded(*runs), NDJSON


MANY = [as_array, as_list, as_bare_list, as_lines]


@pytest.mark.parametrize("form", MANY)
def test_several_objects_are_counted(client: ApiClient, form: Callable[..., tuple[bytes, str]]) -> None:
    runs = [run_object() for _ in range(3)]
    first = client.send(*form(*runs))
    again = client.send(*form(*runs, run_object()))
    assert (first.status_code, counts(first)) == (200, [3, 3, 0, 0, 0, 0])
    assert (again.status_code, counts(again)) == (200, [4, 1, 0, 3, 0, 0])
    assert first.json()["errors"] == []


@pytest.mark.parametrize("form", MANY)
def test_rejected_object_does_not_affect_others(client: ApiClient, form: Callable[..., tuple[bytes, str]]) -> None:
    first, second = run_object(), run_object()
    invalid = run_object(id="run_wrong", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": "2"})
    response = client.send(*form(first, invalid, second))
    assert (response.status_code, counts(response)) == (207, [3, 2, 0, 0, 0, 1])
    [error] = response.json()["errors"]
    line = {"line": 2} if form is as_lines else {}
    message = "expected integer or null, got string"
    path = "/usage/total_tokens"
    assert error.items() >= ({"index": 1, "id": "run_wrong", "path": path} | line).items()
    assert message.split(",")[1] in error["message"]
    assert set(Run.objects.values_list("external_id", flat=True)) == {first["id"], second["id"]}


@pytest.mark.parametrize("form", MANY)
def test_list_of_one_is_answered_as_several(client: ApiClient, form: Callable[..., tuple[bytes, str]]) -> None:
    assert counts(client.send(*form(run_object()))) == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b'{"object":"list","data":[]}'])
def test_empty_list_is_accepted(client: ApiClient, body: bytes) -> None:
    response = client.send(body)
    assert (response.status_code, counts(response)) == (200, [0, 0, 0, 0, 0, 0])


def test_blank_lines_count_as_lines_only(client: ApiClient) -> None:
    body = b"\r\n" + encoded(run_object()) + b"\r\n\r\n   \r\n{broken\r\n" + encoded(run_object()) + b"\r\n"
    response = client.send(body, NDJSON)
    assert (response.status_code, counts(response)) == (207, [3, 2, 0, 0, 0, 1])
    [error] = response.json()["errors"]
    assert (error["index"], error["line"], error["path"]) == (1, 5, "")
    assert error["message"].startswith("not JSON: ")
    assert error["message"].endswith(" at character 2")


def test_malformed_array_element_does_not_affect_others(client: ApiClient) -> None:
    body = b"[" + encoded(run_object()) + b',{"id": tru},' + encoded(run_object()) + b"]"
    response = client.send(body)
    assert (response.status_code, counts(response)) == (207, [3, 2, 0, 0, 0, 1])
    assert response.json()["errors"][0]["index"] == 1


def test_snapshots_in_one_body_are_merged(client: ApiClient) -> None:
    late = run_object(id="run_1")
    early = run_object(id="run_1", status="queued", started_at=None, completed_at=None, usage=None)
    response = client.post([late, early])
    assert counts(response) == [2, 1, 0, 0, 1, 0]
    assert client.get(f"{RUNS}/run_1").json() == late


def test_stored_object_is_readable_at_once(client: ApiClient) -> None:
    posted = run_object()
    client.post([posted])
    assert client.get(f"{RUNS}/{posted['id']}").json() == posted


# unreadable bodies


@pytest.mark.parametrize("body", [b"", b"  \r\n "])
@pytest.mark.parametrize("content_type", [JSON, NDJSON])
def test_empty_body_is_rejected(client: ApiClient, body: bytes, content_type: str) -> None:
    response = client.send(body, content_type)
    assert_error(response, 400, "unreadable_body")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"id": "run_1"} {"id": "run_2"}',
        b'[{"id": "run_1"}',
        b'[{"id": "run_1"}] trailing',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"id": NaN}',
        b'{"id": "\xff"}',
    ],
)
def test_malformed_json_is_rejected(client: ApiClient, body: bytes) -> None:
    assert_error(client.send(body), 400, "unreadable_body")
    assert not Run.objects.exists()


def test_truncated_array_stores_nothing(client: ApiClient) -> None:
    body = encoded([run_object(), run_object()])
    assert_error(client.send(body[:-1]), 400, "unreadable_body")
    assert not Run.objects.exists()


@pytest.mark.parametrize("content_type", [JSON, NDJSON, "application/json; charset=utf-8", "Application/JSON"])
def test_byte_order_mark_is_ignored(client: ApiClient, content_type: str) -> None:
    assert client.send(b"\xef\xbb\xbf" + encoded(run_object()), content_type).status_code in (200, 201)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_other_content_types_get_415(client: ApiClient, content_type: str) -> None:
    error = assert_error(client.send(encoded(run_object()), content_type), 415, "unsupported_body")
    assert "application/json" in error["message"]


def test_default_content_type_is_json(client: ApiClient) -> None:
    assert client.send(encoded(run_object()), "").status_code == 201


# size


@pytest.fixture
def small_limit(settings: Settings) -> int:
    settings.MAX_BODY_BYTES = 20_000
    return 20_000


def test_body_size_is_limited(client: ApiClient, small_limit: int) -> None:
    body = encoded(run_object())
    assert client.send(body.ljust(small_limit)).status_code == 201
    assert_error(client.send(body.ljust(small_limit + 1)), 413, "body_too_large")


def test_declared_length_is_checked_before_reading(project: Project, small_limit: int) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    request = RequestFactory().post(
        RUNS, content_type=JSON, headers={"Authorization": f"Bearer {factories.make_key(project)}"}
    )
    for length in (str(small_limit + 1), "9" * 5000):
        request.META["CONTENT_LENGTH"] = length
        request._stream = Unread()
        assert_error(RunListView.as_view()(request), 413, "body_too_large")


@pytest.mark.parametrize("length", ["", "abc", "-1", "1e9", "٣"])
def test_malformed_length_gets_400(project: Project, length: str) -> None:
    request = RequestFactory().post(
        RUNS, b"{}", content_type=JSON, headers={"Authorization": f"Bearer {factories.make_key(project)}"}
    )
    request.META["CONTENT_LENGTH"] = length
    assert RunListView.as_view()(request).status_code == 400


def test_chunked_body_is_read_and_limited(project: Project, small_limit: int) -> None:
    def post(body: bytes) -> Any:
        request = RequestFactory().post(
            RUNS, content_type=JSON, headers={"Authorization": f"Bearer {factories.make_key(project)}"}
        )
        del request.META["CONTENT_LENGTH"]
        request.META |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
        return RunListView.as_view()(request)

    assert post(encoded(run_object())).status_code == 201
    assert_error(post(b" " * (small_limit + 1)), 413, "body_too_large")


def test_number_of_objects_is_limited(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert request_bodies.MAX_OBJECTS_PER_BODY == 10_000
    monkeypatch.setattr(request_bodies, "MAX_OBJECTS_PER_BODY", 3)
    for form in MANY:
        assert client.send(*form(*(run_object() for _ in range(3)))).status_code == 200
        stored = Run.objects.count()
        assert_error(client.send(*form(*(run_object() for _ in range(4)))), 413, "too_many_objects")
        assert Run.objects.count() == stored


# encodings


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


COMPRESSORS = [("gzip", gzip.compress), ("zstd", zstd)]


@pytest.mark.parametrize(("name", "pack"), COMPRESSORS)
def test_compressed_bodies_are_accepted(client: ApiClient, name: str, pack: Callable[[bytes], bytes]) -> None:
    run = run_object()
    assert client.send(pack(encoded(run)), Content_Encoding=name).status_code == 201
    assert client.get(f"{RUNS}/{run['id']}").json() == run
    assert client.send(pack(encoded(run)), Content_Encoding=f" {name.upper()} ").status_code == 200


@pytest.mark.parametrize(("name", "pack"), COMPRESSORS)
def test_concatenated_compressed_parts_are_read(client: ApiClient, name: str, pack: Callable[[bytes], bytes]) -> None:
    parts = [pack(encoded(run_object()) + b"\n") for _ in range(3)]
    assert counts(client.send(b"".join(parts), NDJSON, Content_Encoding=name)) == [3, 3, 0, 0, 0, 0]


@pytest.mark.parametrize(("name", "pack"), COMPRESSORS)
@pytest.mark.parametrize("damage", ["cut", "cut at its head", "flipped bits", "not packed at all", "trailing"])
def test_damaged_compressed_bodies_are_rejected(
    client: ApiClient, name: str, pack: Callable[[bytes], bytes], damage: str
) -> None:
    body = b"\n".join(encoded(run_object()) for _ in range(20))
    packed = pack(body)
    damaged = {
        "cut": packed[:-6],
        "cut at its head": packed[:5],
        "flipped bits": packed[:20] + bytes(255 - item for item in packed[20:]),
        "not packed at all": body,
        "trailing": packed + b"trailing",
    }[damage]
    assert_error(client.send(damaged, NDJSON, Content_Encoding=name), 400, "unreadable_body")
    assert not Run.objects.exists()


@pytest.mark.parametrize(("name", "pack"), COMPRESSORS)
def test_decompression_bomb_is_rejected_early(
    client: ApiClient, settings: Settings, name: str, pack: Callable[[bytes], bytes]
) -> None:
    settings.MAX_BODY_BYTES = 2 * 1024 * 1024
    bomb = pack(bytes(100 * 1024 * 1024))
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        assert_error(client.send(bomb, Content_Encoding=name), 413, "body_too_large")
        assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, gzip", "x"])
def test_other_encodings_get_415(client: ApiClient, name: str) -> None:
    error = assert_error(client.send(encoded(run_object()), Content_Encoding=name), 415, "unsupported_body")
    assert "gzip" in error["message"]
