"""Malformed bodies and objects: each is reported precisely, and the valid objects beside it are stored."""

from __future__ import annotations

import gzip
import json
from typing import Any, NamedTuple

import pytest
import zstandard

from runs.models import Message, Run, RunStep
from tests import factories
from tests.factories import run_object
from tests.runs.api.api_client import JSON, NDJSON, ApiClient, assert_error

EVENTS = "/api/v1/events"
STREAM = "text/event-stream"

_RUN = run_object()
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "/api/v1/runs": (Run, _RUN),
    "/api/v1/steps": (RunStep, factories.step_object(_RUN)),
    "/api/v1/messages": (Message, factories.message_object(_RUN)),
}
PATHS = [*KINDS, EVENTS]


# unreadable bodies, which every endpoint rejects without storing anything


class Unreadable(NamedTuple):
    """A body with its headers, and the expected error."""

    body: bytes
    content_type: str = JSON
    encoding: str = ""
    status: int = 400
    code: str = "unreadable_body"


_GOOD = json.dumps(_RUN).encode()
_PACKED = gzip.compress(_GOOD)
_ZSTD = zstandard.ZstdCompressor().compress(_GOOD)

UNREADABLE = {
    "nothing": Unreadable(b""),
    "nothing in lines": Unreadable(b"", NDJSON),
    "blank": Unreadable(b" \t\r\n"),
    "blank lines": Unreadable(b"\n\r\n \n", NDJSON),
    "a form feed": Unreadable(b"\f"),
    "a form feed in lines": Unreadable(b"\f\n", NDJSON),
    "an array of a form feed": Unreadable(b"[\f]"),
    "an array of a vertical tab": Unreadable(b"[\v]"),
    "an array of a comma": Unreadable(b"[,]"),
    "a NUL": Unreadable(b"\0"),
    "a NUL in lines": Unreadable(b"\0", NDJSON),
    "a byte order mark": Unreadable(b"\xef\xbb\xbf"),
    "a byte order mark in lines": Unreadable(b"\xef\xbb\xbf", NDJSON),
    "commas in lines": Unreadable(b",\n,\n", NDJSON),
    "a no-break space": Unreadable("\u00a0".encode()),
    "an open brace": Unreadable(b"{"),
    "an open bracket": Unreadable(b"["),
    "a closing brace": Unreadable(b"}"),
    "a closing bracket": Unreadable(b"]"),
    "a comma": Unreadable(b","),
    "a word": Unreadable(b"nonsense"),
    "Python's words": Unreadable(b"{'id': None}"),
    "cut in a name": Unreadable(b'{"id'),
    "cut before a value": Unreadable(b'{"id":'),
    "cut in a value": Unreadable(_GOOD[:-20]),
    "cut before its last brace": Unreadable(_GOOD[:-1]),
    "cut in an array": Unreadable(b"[" + _GOOD + b"," + _GOOD),
    "cut in an envelope": Unreadable(b'{"object":"list","data":[' + _GOOD + b"]"),
    "an array closed twice": Unreadable(b"[" + _GOOD + b"]]"),
    "two objects": Unreadable(_GOOD + _GOOD),
    "two objects in two lines, as JSON": Unreadable(_GOOD + b"\n" + _GOOD),
    "text after an object": Unreadable(_GOOD + b" and more"),
    "text after an array": Unreadable(b"[" + _GOOD + b"] and more"),
    "a comma too many": Unreadable(b'{"id":"run_1",}'),
    "a comment": Unreadable(b'{"id":"run_1" /* one */}'),
    "single quotes": Unreadable(b"{'id':'run_1'}"),
    "no quotes": Unreadable(b"{id:1}"),
    "NaN": Unreadable(b'{"id":NaN}'),
    "Infinity": Unreadable(b'{"id":-Infinity}'),
    "a leading zero": Unreadable(b'{"id":01}'),
    "a plus": Unreadable(b'{"id":+1}'),
    "a bare point": Unreadable(b'{"id":.5}'),
    "a hexadecimal number": Unreadable(b'{"id":0x10}'),
    "a raw line break in a string": Unreadable(b'{"id":"run\n1"}'),
    "a raw NUL in a string": Unreadable(b'{"id":"run\x001"}'),
    "an unknown escape": Unreadable(b'{"id":"run\\x41"}'),
    "a cut escape": Unreadable(b'{"id":"run\\u12"}'),
    "an open string": Unreadable(b'{"id":"run_1}'),
    "Latin-1": Unreadable('{"id":"Grüße"}'.encode("latin-1")),
    "UTF-16": Unreadable('{"id":"run_1"}'.encode("utf-16")),
    "UTF-32": Unreadable('{"id":"run_1"}'.encode("utf-32")),
    "an overlong NUL": Unreadable(b'{"id":"\xc0\x80"}'),
    "an encoded surrogate": Unreadable(b'{"id":"\xed\xa0\x80"}'),
    "cut UTF-8": Unreadable(b'{"id":"\xf0\x9f\x98"}'),
    "deep arrays": Unreadable(b"[" * 100_000),
    "deep objects": Unreadable(b'{"a":' * 100_000),
    "gzip, undeclared": Unreadable(_PACKED),
    "plain, declared gzip": Unreadable(_GOOD, encoding="gzip"),
    "zstd, declared gzip": Unreadable(_ZSTD, encoding="gzip"),
    "gzip, declared zstd": Unreadable(_PACKED, encoding="zstd"),
    "cut gzip": Unreadable(_PACKED[:-9], encoding="gzip"),
    "gzip with a wrong checksum": Unreadable(_PACKED[:-8] + b"12345678", encoding="gzip"),
    "text after gzip": Unreadable(_PACKED + b"more", encoding="gzip"),
    "cut zstd": Unreadable(_ZSTD[:-9], encoding="zstd"),
    "gzip of nothing": Unreadable(gzip.compress(b""), encoding="gzip"),
    "gzip in gzip": Unreadable(gzip.compress(_PACKED), encoding="gzip"),
    "gzip cut at its head": Unreadable(b"\x1f\x8b", NDJSON, "gzip"),
    "another encoding": Unreadable(_GOOD, encoding="br", status=415, code="unsupported_body"),
    "two encodings": Unreadable(_PACKED, encoding="gzip, gzip", status=415, code="unsupported_body"),
    "plain text": Unreadable(_GOOD, "text/plain", status=415, code="unsupported_body"),
    "a form": Unreadable(b"id=run_1", "application/x-www-form-urlencoded", status=415, code="unsupported_body"),
    "form data": Unreadable(_GOOD, "multipart/form-data; boundary=x", status=415, code="unsupported_body"),
    "XML": Unreadable(b"<run/>", "application/xml", status=415, code="unsupported_body"),
    "YAML": Unreadable(b"id: run_1", "application/yaml", status=415, code="unsupported_body"),
    "a type without a subtype": Unreadable(_GOOD, "json", status=415, code="unsupported_body"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_body_is_rejected(client: ApiClient, name: str, path: str) -> None:
    case = UNREADABLE[name]
    headers = {"Content_Encoding": case.encoding} if case.encoding else {}
    response = client.send(case.body, case.content_type, path, **headers)
    error = assert_error(response, case.status, case.code)
    assert error["fields"] == [] or error["fields"][0]["path"] == ""
    assert not any(model.objects.exists() for model, _ in KINDS.values())


@pytest.mark.parametrize("path", ["/api/v1/runs", EVENTS])
@pytest.mark.parametrize("depth", [201, 600, 960, 1100, 100_000])
@pytest.mark.parametrize("name", ["id", "object", "event", "data", "metadata", "tools", "created_at"])
def test_deep_nesting_is_rejected(client: ApiClient, path: str, depth: int, name: str) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * depth + "1" + closing * depth
        whole = json.dumps(_RUN | {"event": "thread.run.completed", name: "DEEP"}).replace('"DEEP"', deep)
        for body, content_type in ((whole, JSON), (f"[{whole}]", JSON), (whole, NDJSON)):
            response = client.send(body.encode(), content_type, path)
            assert response.status_code == 400 or response.json()["rejected"] == 1


# objects that do not follow the protocol, alone and among valid ones


class Invalid(NamedTuple):
    """Changes that make an object invalid, and the path of the error."""

    changes: dict[str, Any]
    path: str


_HUGE = 2**63
_ANY_KIND = [
    Invalid({"id": ...}, "/id"),
    Invalid({"id": None}, "/id"),
    Invalid({"id": 7}, "/id"),
    Invalid({"id": ""}, "/id"),
    Invalid({"id": "x" * 257}, "/id"),
    Invalid({"id": ["run_1"]}, "/id"),
    Invalid({"id": "run\0"}, "/id"),
    Invalid({"id": "run\ud800"}, "/id"),
    Invalid({"object": ...}, "/object"),
    Invalid({"object": None}, "/object"),
    Invalid({"object": 7}, "/object"),
    Invalid({"object": "thread"}, "/object"),
    Invalid({"object": "response"}, "/object"),
    Invalid({"object": "list"}, "/object"),
    Invalid({"created_at": ...}, "/created_at"),
    Invalid({"created_at": None}, "/created_at"),
    Invalid({"created_at": "1795000000"}, "/created_at"),
    Invalid({"created_at": 1.5}, "/created_at"),
    Invalid({"created_at": True}, "/created_at"),
    Invalid({"created_at": -1}, "/created_at"),
    Invalid({"created_at": _HUGE}, "/created_at"),
    Invalid({"completed_at": "today"}, "/completed_at"),
    Invalid({"completed_at": -1}, "/completed_at"),
    Invalid({"completed_at": [1]}, "/completed_at"),
    Invalid({"thread_id": 7}, "/thread_id"),
    Invalid({"assistant_id": {}}, "/assistant_id"),
    Invalid({"status": 7}, "/status"),
    Invalid({"metadata": "a"}, "/metadata"),
    Invalid({"metadata": [1]}, "/metadata"),
    Invalid({"metadata": 7}, "/metadata"),
]
_WITH_USAGE = [
    Invalid({"usage": []}, "/usage"),
    Invalid({"usage": 7}, "/usage"),
    Invalid({"usage": {"total_tokens": "7"}}, "/usage/total_tokens"),
    Invalid({"usage": {"prompt_tokens": 1.5}}, "/usage/prompt_tokens"),
    Invalid({"usage": {"completion_tokens": _HUGE}}, "/usage/completion_tokens"),
    Invalid({"usage": {"prompt_token_details": {"cached_tokens": "1"}}}, "/usage/prompt_token_details/cached_tokens"),
    Invalid({"last_error": "rate limit"}, "/last_error"),
    Invalid({"last_error": {"code": 429}}, "/last_error/code"),
    Invalid({"last_error": {"message": ["a"]}}, "/last_error/message"),
]


def _call(**changes: Any) -> dict[str, Any]:
    return {"required_action": {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [changes]}}}


_OF_RUNS = [
    Invalid({"thread_id": ...}, "/thread_id"),
    Invalid({"assistant_id": None}, "/assistant_id"),
    Invalid({"status": ...}, "/status"),
    Invalid({"status": None}, "/status"),
    Invalid({"started_at": "now"}, "/started_at"),
    Invalid({"required_action": "submit"}, "/required_action"),
    Invalid({"required_action": {}}, "/required_action/type"),
    Invalid(_call(type="function"), "/required_action/submit_tool_outputs/tool_calls/0/id"),
    Invalid(
        _call(id="a", function={"arguments": "{}"}), "/required_action/submit_tool_outputs/tool_calls/0/function/name"
    ),
    Invalid({"incomplete_details": {"reason": 1}}, "/incomplete_details/reason"),
    Invalid({"model": 4}, "/model"),
    Invalid({"instructions": ["a"]}, "/instructions"),
    Invalid({"tools": {}}, "/tools"),
    Invalid({"tools": ["function"]}, "/tools/0"),
    Invalid({"tools": [{"type": "file_search"}, {}]}, "/tools/1/type"),
    Invalid({"tools": [{"type": "function"}]}, "/tools/0/function"),
    Invalid({"tools": [{"type": "function", "function": {"name": 1}}]}, "/tools/0/function/name"),
    Invalid({"file_ids": [1]}, "/file_ids/0"),
    Invalid({"temperature": "1"}, "/temperature"),
    Invalid({"max_prompt_tokens": _HUGE}, "/max_prompt_tokens"),
    Invalid({"truncation_strategy": {"type": "auto", "last_messages": "1"}}, "/truncation_strategy/last_messages"),
    Invalid({"tool_choice": 1}, "/tool_choice"),
    Invalid({"parallel_tool_calls": "true"}, "/parallel_tool_calls"),
    Invalid({"response_format": ["a"]}, "/response_format"),
]
_OF_STEPS = [
    Invalid({"run_id": ...}, "/run_id"),
    Invalid({"run_id": None}, "/run_id"),
    Invalid({"run_id": ""}, "/run_id"),
    Invalid({"run_id": "run\0"}, "/run_id"),
    Invalid({"type": ...}, "/type"),
    Invalid({"step_details": "x"}, "/step_details"),
    Invalid({"step_details": {"tool_calls": []}}, "/step_details/type"),
    Invalid({"step_details": {"type": "tool_calls", "tool_calls": [{}]}}, "/step_details/tool_calls/0/type"),
    Invalid(
        {"step_details": {"type": "x", "tool_calls": [{"type": "function", "function": {"output": 1}}]}},
        "/step_details/tool_calls/0/function/output",
    ),
]
_OF_MESSAGES = [
    Invalid({"thread_id": ...}, "/thread_id"),
    Invalid({"role": ...}, "/role"),
    Invalid({"role": 1}, "/role"),
    Invalid({"run_id": 1}, "/run_id"),
    Invalid({"content": 1}, "/content"),
    Invalid({"content": ["text"]}, "/content/0"),
    Invalid({"content": [{"type": "text"}, {}]}, "/content/1/type"),
    Invalid({"incomplete_at": 0.5}, "/incomplete_at"),
]
INVALID_CASES = [
    *[("/api/v1/runs", *item) for item in _ANY_KIND + _WITH_USAGE + _OF_RUNS],
    *[("/api/v1/steps", *item) for item in _ANY_KIND + _WITH_USAGE + _OF_STEPS],
    *[("/api/v1/messages", *item) for item in _ANY_KIND + _OF_MESSAGES],
]


def changed(posted: dict[str, Any], **changes: Any) -> bytes:
    """Return `posted` as JSON with `changes`; `...` removes a field."""
    return json.dumps({name: value for name, value in (posted | changes).items() if value is not ...}).encode()


@pytest.mark.parametrize(("path", "changes", "expected_path"), INVALID_CASES)
def test_invalid_object_is_reported_by_path(
    client: ApiClient, path: str, changes: dict[str, Any], expected_path: str
) -> None:
    model, example = KINDS[path]
    invalid = changed(example, **changes)
    error = assert_error(client.send(invalid, path=path), 400, "invalid_object")
    assert [(problem["index"], problem["path"]) for problem in error["fields"]] == [(0, expected_path)]
    assert error["fields"][0]["message"]
    valid = [changed(example, id=name) for name in ("first", "last")]
    array = b"[" + b",".join([valid[0], invalid, valid[1]]) + b"]"
    lines = b"\n".join([valid[0], b"", invalid, valid[1]])
    for body, content_type, line in [(array, JSON, None), (lines, NDJSON, 3)]:
        response = client.send(body, content_type, path)
        assert (response.status_code, response.json()["rejected"]) == (207, 1)
        [problem] = response.json()["errors"]
        assert (problem["index"], problem["path"], problem.get("line")) == (1, expected_path, line)
        assert set(model.objects.values_list("external_id", flat=True)) == {"first", "last"}


# malformed objects among valid ones

MALFORMED = [
    b"7", b"null", b'"run"', b"[]", b"[[{}]]", b"tru", b'{"id":}', b'{"id":NaN}', b'{"id":01}', b"{]", b"{'a':1}",
    b'{"id":"\xff"}', b'{"id":"\xed\xa0\x80"}', b'{"id":"\\x"}', b"[" * 250 + b"]" * 250,
    b'{"a":' * 250 + b"1" + b"}" * 250,
]  # fmt: skip


@pytest.mark.parametrize("broken", MALFORMED)
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("content_type", [JSON, NDJSON])
def test_malformed_object_does_not_affect_others(
    client: ApiClient, broken: bytes, path: str, content_type: str
) -> None:
    model, example = KINDS[path]
    elements = [changed(example, id="first"), broken, changed(example, id="last")]
    body = b"[" + b",".join(elements) + b"]" if content_type == JSON else b"\n".join(elements)
    response = client.send(body, content_type, path)
    assert (response.status_code, response.json()["rejected"]) == (207, 1)
    [problem] = response.json()["errors"]
    assert (problem["index"], problem["path"], problem.get("line")) == (1, "", 2 if content_type == NDJSON else None)
    assert set(model.objects.values_list("external_id", flat=True)) == {"first", "last"}


def test_there_are_enough_cases() -> None:
    assert len(UNREADABLE) >= 60
    assert len(INVALID_CASES) + len(MALFORMED) >= 60


# numbers as other languages write them


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_of_python_are_named(client: ApiClient, constant: str) -> None:
    written = json.dumps(_RUN).replace('"total_tokens": 150', f'"total_tokens": {constant}')
    response = client.send(written.encode())
    assert assert_error(response, 400, "unreadable_body")["message"].startswith(f"not JSON: {constant} is not a JSON")
    batch = client.send(f"[{json.dumps(_RUN | {'id': 'run_2'})},{written}]".encode())
    assert (batch.status_code, batch.json()["created"], batch.json()["rejected"]) == (207, 1, 1)
    assert constant in batch.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", [*KINDS, EVENTS])
def test_whole_numbers_with_fraction_are_accepted(client: ApiClient, path: str) -> None:
    model, posted = KINDS.get(path, KINDS["/api/v1/runs"])
    written = json.dumps(posted | {"created_at": float(posted["created_at"])})
    assert f"{posted['created_at']}.0" in written
    event = f'{{"event":"thread.run.completed","data":{written}}}'
    response = client.send((event if path == EVENTS else written).encode(), path=path)
    assert response.status_code in (200, 201)
    assert f'"created_at":{posted["created_at"]}.0' in model.objects.get().as_json().decode()
