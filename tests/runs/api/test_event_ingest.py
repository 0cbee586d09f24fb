"""Posting stream events: the objects they carry are stored, all other events are counted."""

from __future__ import annotations

import itertools
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from runs.ingest import request_bodies
from runs.models import Message, Project, Run, RunStep
from runs.protocol import lossless_json
from runs.protocol.events import EVENT_OBJECTS, IGNORED_EVENTS
from tests import factories
from tests.factories import NOW, run_object, step_object
from tests.runs.api.api_client import JSON, NDJSON, RUNS, ApiClient, assert_error

EVENTS = "/api/v1/events"
STREAM = "text/event-stream"

_ENDED = run_object(id="run_1", created_at=NOW)
_BEGUN = _ENDED | {"status": "queued", "started_at": None, "completed_at": None, "usage": None}
_RUNNING = _BEGUN | {"status": "in_progress", "started_at": NOW + 1}
_STEP = step_object(_ENDED, factories.function_call("search_orders"))
_MESSAGE = factories.message_object(_ENDED)
_DELTA = {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": []}}
RUN_EVENTS: list[tuple[str, Any]] = [
    ("thread.created", {"id": "thread_first", "object": "thread", "created_at": NOW}),
    ("thread.run.created", _BEGUN),
    ("thread.run.in_progress", _RUNNING),
    ("thread.run.step.completed", _STEP),
    ("thread.message.delta", _DELTA),
    ("thread.message.completed", _MESSAGE),
    ("thread.run.completed", _ENDED),
]


def as_events(events: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"event": name, "data": data} for name, data in events]


def as_stream(events: list[tuple[str, Any]], line: str = "event: {}\ndata: {}\n\n") -> bytes:
    return "".join(line.format(name, json.dumps(data)) for name, data in events).encode()


def assert_all_objects_are_stored(client: ApiClient) -> None:
    assert client.get(f"{RUNS}/run_1").json() == _ENDED
    assert client.get(f"{RUNS}/run_1/steps").json()["data"] == [_STEP]
    [message] = Message.objects.all()
    assert json.loads(message.as_json()) == _MESSAGE


def counts(answer: Any) -> dict[str, int]:
    names = ("received", "created", "updated", "unchanged", "stale", "rejected", "ignored")
    return {name: answer.json()[name] for name in names if answer.json()[name]}


ALL_COUNTS = {"received": 7, "created": 3, "updated": 2, "ignored": 2}

# body formats


def forms() -> dict[str, tuple[bytes, str]]:
    events = as_events(RUN_EVENTS)
    wrapped = [json.dumps(event).encode() for event in events]
    lines = as_stream(RUN_EVENTS)
    return {
        "array": (json.dumps(events).encode(), JSON),
        "list": (json.dumps({"object": "list", "data": events}).encode(), JSON),
        "lines": (b"\n".join(wrapped), NDJSON),
        "stream": (lines, STREAM),
        "stream with a charset": (lines, "text/event-stream; charset=utf-8"),
        "stream with CRLF": (lines.replace(b"\n", b"\r\n"), STREAM),
        "stream with CR": (lines.replace(b"\n", b"\r"), STREAM),
        "stream with a mark": (b"\xef\xbb\xbf" + lines, STREAM),
        "stream without spaces": (as_stream(RUN_EVENTS, "event:{}\ndata:{}\n\n"), STREAM),
        "stream with data first": (as_stream(RUN_EVENTS, "data: {1}\nevent: {0}\n\n"), STREAM),
        "stream with ids and comments": (
            as_stream(RUN_EVENTS, ": ping\nid: 7\nretry: 5\nevent: {}\ndata: {}\n\n\n"),
            STREAM,
        ),
        "stream cut before its last blank line": (lines.rstrip(b"\n"), STREAM),
        "stream without blank lines": (lines.replace(b"\n\n", b"\n"), STREAM),
        "stream without names": (as_stream(RUN_EVENTS, "data: {1}\n\n"), STREAM),
        "stream of data lines": (as_stream(RUN_EVENTS, "data: {1}\n"), STREAM),
        "stream of wrapped events": (
            b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events),
            STREAM,
        ),
        "stream of wrapped lines": (b"".join(b"data: %s\n" % json.dumps(event).encode() for event in events), STREAM),
        "stream of bare lines": (b"\n".join(wrapped), STREAM),
    }


@pytest.mark.parametrize("form", forms())
def test_all_body_formats_are_equivalent(client: ApiClient, form: str) -> None:
    body, content_type = forms()[form]
    response = client.send(body, content_type, EVENTS)
    assert response.status_code == 200
    assert counts(response) == ALL_COUNTS
    assert response.json()["warnings"] == response.json()["errors"] == []
    assert_all_objects_are_stored(client)


def test_single_event_is_answered_like_several(client: ApiClient) -> None:
    response = client.post({"event": "thread.run.created", "data": _BEGUN}, EVENTS)
    assert (response.status_code, counts(response)) == (200, {"received": 1, "created": 1})


def test_data_may_span_several_lines(client: ApiClient) -> None:
    pretty = json.dumps(_ENDED, indent=2).replace("\n", "\ndata: ")
    response = client.send(f"event: thread.run.completed\ndata: {pretty}\n\n".encode(), STREAM, EVENTS)
    assert counts(response) == {"received": 1, "created": 1}
    assert client.get(f"{RUNS}/run_1").json() == _ENDED


def test_unicode_line_separators_do_not_split_lines(client: ApiClient) -> None:
    run = _ENDED | {"instructions": "a\u2028b\u2029c\x85d"}
    body = f"event: thread.run.completed\ndata: {json.dumps(run, ensure_ascii=False)}\n\n".encode()
    assert counts(client.send(body, STREAM, EVENTS)) == {"received": 1, "created": 1}
    assert client.get(f"{RUNS}/run_1").json() == run


# ignored and unusual events


@pytest.mark.parametrize("name", sorted(IGNORED_EVENTS))
@pytest.mark.parametrize("data", ["[DONE]", "{}", '{"object": "thread.run.step.delta"}', "ping", ""])
def test_events_without_objects_are_ignored(client: ApiClient, name: str, data: str) -> None:
    response = client.send(f"event: {name}\ndata: {data}\n\n".encode(), STREAM, EVENTS)
    assert (response.status_code, counts(response)) == (200, {"received": 1, "ignored": 1})
    assert response.json()["warnings"] == []


def test_done_event_needs_no_name(client: ApiClient) -> None:
    body = as_stream(RUN_EVENTS) + b"data: [DONE]\n\n"
    response = client.send(body, STREAM, EVENTS)
    assert counts(response) == ALL_COUNTS | {"received": 8, "ignored": 3}
    assert response.json()["warnings"] == []
    assert counts(client.post({"event": "done", "data": "[DONE]"}, EVENTS)) == {"received": 1, "ignored": 1}


def test_unknown_event_names_are_warnings(client: ApiClient) -> None:
    body = as_stream([("thread.run.paused", _ENDED), ("vendor.thought", {"text": "hm"}), *RUN_EVENTS])
    response = client.send(body, STREAM, EVENTS)
    assert response.status_code == 200
    known, unknown = response.json()["warnings"]
    assert (known["index"], known["line"], known["path"]) == (0, 1, "/event")
    assert known["message"] == "unknown event 'thread.run.paused', stored by its object"
    assert (unknown["index"], unknown["line"]) == (1, 4)
    assert "ignored" in unknown["message"]
    assert_all_objects_are_stored(client)


def test_event_without_name_is_stored_by_object_type(client: ApiClient) -> None:
    response = client.send(f"data: {json.dumps(_ENDED)}\n\n".encode(), STREAM, EVENTS)
    assert (counts(response), response.json()["warnings"]) == ({"received": 1, "created": 1}, [])


@pytest.mark.parametrize("name", sorted(EVENT_OBJECTS))
def test_all_object_events_are_known(client: ApiClient, name: str) -> None:
    carried = {"thread.run": _ENDED, "thread.run.step": _STEP, "thread.message": _MESSAGE}[EVENT_OBJECTS[name]]
    response = client.post({"event": name, "data": carried}, EVENTS)
    assert (counts(response), response.json()["warnings"]) == ({"received": 1, "created": 1}, [])


# errors


def test_malformed_line_does_not_affect_others(client: ApiClient) -> None:
    lines = as_stream(RUN_EVENTS).split(b"\n")
    lines.insert(4, b"HTTP/1.1 200 OK")
    response = client.send(b"\n".join(lines), STREAM, EVENTS)
    assert (response.status_code, counts(response)) == (207, ALL_COUNTS | {"received": 8, "rejected": 1})
    [error] = response.json()["errors"]
    assert (error["line"], error["path"]) == (5, "")
    assert "HTTP/1.1 200 OK" in error["message"]
    assert_all_objects_are_stored(client)


@pytest.mark.parametrize("data", ['{"id": "run_1", ', "", "7", "null", '"text"', "[DONE", "{]", "\\", '{"a": NaN}'])
def test_data_without_object_is_rejected_with_line(client: ApiClient, data: str) -> None:
    body = as_stream(RUN_EVENTS[:1]) + f"event: thread.run.completed\ndata: {data}\n\n".encode() + as_stream(RUN_EVENTS)
    response = client.send(body, STREAM, EVENTS)
    assert (response.status_code, response.json()["rejected"]) == (207, 1)
    [error] = response.json()["errors"]
    assert (error["index"], error["line"], error["path"]) == (1, 4, "/data")
    assert_all_objects_are_stored(client)


@pytest.mark.parametrize("name", ["", "event: message\n", "event: thread.run.step.delta\n", "event: vendor.event\n"])
@pytest.mark.parametrize("data", ['{"id": "run_1", ', '{"a": NaN}', "[1,"])
def test_broken_data_is_never_ignored(client: ApiClient, name: str, data: str) -> None:
    body = as_stream(RUN_EVENTS[:1]) + f"{name}data: {data}\n\n".encode() + as_stream(RUN_EVENTS)
    response = client.send(body, STREAM, EVENTS)
    assert (response.status_code, response.json()["received"], response.json()["rejected"]) == (207, 9, 1)
    [error] = response.json()["errors"]
    assert (error["index"], error["line"], error["path"]) == (1, 4, "/data")
    assert_all_objects_are_stored(client)


def test_unnamed_events_without_known_object_are_warnings(client: ApiClient) -> None:
    response = client.send(b'data: {"object": "vendor.thought"}\n\ndata: {}\n\ndata: [DONE]\n\n', STREAM, EVENTS)
    assert counts(response) == {"received": 3, "ignored": 3}
    assert [(warning["index"], warning["line"]) for warning in response.json()["warnings"]] == [(0, 1), (1, 3)]


@pytest.mark.parametrize("separator", [b"\n", b","])
def test_broken_json_event_is_named(client: ApiClient, separator: bytes) -> None:
    events = [json.dumps(event).encode() for event in as_events(RUN_EVENTS)]
    body = separator.join([*events[:2], b'{"event": "thread.run.completed", "data": {"id"', *events[2:]])
    is_array = separator == b","
    response = client.send(b"[%s]" % body if is_array else body, JSON if is_array else NDJSON, EVENTS)
    if is_array:  # the brackets do not match, so nothing can be told apart
        assert_error(response, 400, "unreadable_body")
        return
    assert counts(response) == ALL_COUNTS | {"received": 8, "rejected": 1}
    [error] = response.json()["errors"]
    assert (error["index"], error["line"]) == (2, 3)
    assert_all_objects_are_stored(client)


def test_unreadable_lines_count_towards_the_limit(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.ingest.events.MAX_OBJECTS_PER_BODY", 3)
    assert_error(client.send(b"x\n" * 4, STREAM, EVENTS), 413, "too_many_objects")


def test_error_paths_include_the_event(client: ApiClient) -> None:
    events = [*as_events(RUN_EVENTS), {"event": "thread.run.completed", "data": _ENDED | {"id": "run_2", "status": 7}}]
    for body, content_type, line in [
        (json.dumps(events).encode(), JSON, None),
        (b"\n\n".join(json.dumps(event).encode() for event in events), NDJSON, 15),
    ]:
        response = client.send(body, content_type, EVENTS)
        [error] = response.json()["errors"]
        assert (response.status_code, error["index"], error.get("line")) == (207, 7, line)
        assert (error["id"], error["path"]) == ("run_2", "/data/status")


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({}, "/event"),
        ({"event": "thread.run.completed"}, "/data"),
        ({"data": _ENDED}, "/event"),
        ({"event": None, "data": _ENDED}, "/event"),
        ({"event": 7, "data": _ENDED}, "/event"),
        ({"event": "thread.run.completed", "data": _ENDED, "extra": 1}, "/extra"),
        ({"event": "thread.run.completed", "data": _STEP}, "/data/object"),
        ({"event": "thread.message.completed", "data": {}}, "/data/object"),
        (_ENDED, "/event"),
        (7, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_non_events_are_rejected(client: ApiClient, event: Any, path: str) -> None:
    response = client.post([event, *as_events(RUN_EVENTS)], EVENTS)
    assert (response.status_code, response.json()["rejected"]) == (207, 1)
    assert {problem["index"] for problem in response.json()["errors"]} == {0}
    assert path in {problem["path"] for problem in response.json()["errors"]}
    assert_all_objects_are_stored(client)


def test_bare_object_names_the_right_path(client: ApiClient) -> None:
    [error] = client.post(_STEP, EVENTS).json()["errors"]
    assert error["path"] == "/event"
    assert error["message"] == "expected an event, got an object of type thread.run.step: post it to /api/v1/steps"


def test_errors_are_in_stream_order(client: ApiClient) -> None:
    body = b"broken\n\nevent: thread.run.completed\ndata: {}\n\nbroken\n\nevent: thread.run.completed\ndata: {\n\n"
    errors = client.send(body, STREAM, EVENTS).json()["errors"]
    assert [problem["index"] for problem in errors] == sorted(problem["index"] for problem in errors)
    assert {problem["index"]: problem["line"] for problem in errors} == {0: 1, 1: 3, 2: 6, 3: 8}


@pytest.mark.parametrize("content_type", [JSON, NDJSON, STREAM])
def test_empty_body_is_rejected(client: ApiClient, content_type: str) -> None:
    for body in (b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"[]" if content_type == JSON else b"\n"):
        assert_error(client.send(body, content_type, EVENTS), 400, "unreadable_body")
    assert_error(client.send(b"x", "text/plain", EVENTS), 415, "unsupported_body")


def test_deltas_do_not_count_towards_the_limit(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.ingest.events.MAX_OBJECTS_PER_BODY", 3)
    assert request_bodies.MAX_OBJECTS_PER_BODY > 3
    deltas = [("thread.message.delta", _DELTA)] * 20
    assert client.send(as_stream([*RUN_EVENTS[1:4], *deltas]), STREAM, EVENTS).status_code == 200
    assert_error(client.send(as_stream(RUN_EVENTS), STREAM, EVENTS), 413, "too_many_objects")


# order of events


def test_event_order_does_not_matter(client: ApiClient) -> None:
    carried = [pair for pair in RUN_EVENTS if pair[0] in EVENT_OBJECTS]
    orders = list(itertools.permutations(carried))
    for order in random.Random(7).sample(orders, 20):
        Message.objects.all().delete()
        assert client.request("DELETE", f"{RUNS}/run_1").status_code in (204, 404)
        assert client.send(as_stream(list(order)), STREAM, EVENTS).status_code == 200
        assert_all_objects_are_stored(client)


def test_split_stream_equals_the_whole(client: ApiClient) -> None:
    for pair in [*RUN_EVENTS[3:], *RUN_EVENTS, *RUN_EVENTS[:3]]:
        assert client.send(as_stream([pair]), STREAM, EVENTS).status_code == 200
    assert_all_objects_are_stored(client)


# recorded streams of real servers

_REAL = Path(os.environ.get("RUNGLASS_REAL_DATA", "nowhere")) / "streams"


@pytest.mark.parametrize("recorded", sorted(_REAL.glob("*.txt")), ids=lambda path: path.stem)
def test_recorded_streams_are_accepted(project: Project, client: ApiClient, recorded: Path) -> None:
    body = recorded.read_bytes()
    response = client.send(body, STREAM, EVENTS)
    assert response.status_code in (200, 207), response.content
    assert all("line" in problem for problem in response.json()["errors"])
    rejected_lines = {problem["line"] for problem in response.json()["errors"]}
    posted = carried_objects(body, rejected_lines)
    kinds: list[tuple[Any, str]] = [(Run, "thread.run"), (RunStep, "thread.run.step"), (Message, "thread.message")]
    for model, object_type in kinds:
        for stored in model.objects.filter(project=project):
            raw = stored.as_json()
            assert any(lossless_json.is_same_json(raw, sent) for sent in posted.pop((object_type, stored.external_id)))
    assert not posted


def carried_objects(body: bytes, rejected_lines: set[int]) -> dict[tuple[str, str], list[bytes]]:
    """Return the objects in a recorded stream by type and id, without those at rejected lines."""
    objects: dict[tuple[str, str], list[bytes]] = {}
    start = 1
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            start = number + 1
        elif line.startswith(b"data:") and start not in rejected_lines:
            raw = line.removeprefix(b"data:").strip()
            posted = json.loads(raw) if raw.startswith(b"{") else {}
            if posted.get("object") in EVENT_OBJECTS.values():
                objects.setdefault((posted["object"], posted["id"]), []).append(raw)
    return objects
