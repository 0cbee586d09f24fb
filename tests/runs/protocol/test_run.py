"""`thread.run` is validated and converted to columns without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from runs.errors import InvalidObject
from runs.protocol import lossless_json, run
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES
from tests.factories import NOW, failed_run, function_tool, run_object, waiting_run
from tests.runs import objects


def round_trip(raw: bytes) -> bytes:
    """Convert a run to columns and configuration and back."""
    parsed = run.parse_run(lossless_json.split_object(raw))
    columns = {name: getattr(parsed.columns, name) for name in parsed.columns.__struct_fields__}
    return lossless_json.join_members(run.build_run_members(columns, parsed.configuration.body))


def parse(posted: dict[str, Any]) -> run.ParsedRun:
    return run.parse_run(lossless_json.split_object(json.dumps(posted).encode()))


def _shorten(value: Any) -> str:
    return ascii(value)[:50]


@objects.examples(100)
@given(objects.runs)
def test_every_run_round_trips(raw: str) -> None:
    back = round_trip(raw.encode())
    assert objects.as_written(back) == objects.as_written(raw)
    assert lossless_json.is_same_json(back, raw.encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last_error", '{"code":null,"message":null}'),
        ("last_error", "{}"),
        ("incomplete_details", '{"reason":null}'),
        ("incomplete_details", "{}"),
        ("usage", '{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}'),
        ("usage", "{}"),
        ("usage", '{"prompt_tokens":-0,"completion_tokens":0,"total_tokens":0}'),
        ("usage", '{"input_tokens":3,"output_tokens":4,"total_tokens":7}'),
        ("usage", r'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"\ud800":4}'),
        ("usage", '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"seconds":1e400}'),
        ("usage", '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_token_details":null}'),
        ("started_at", "-0"),
        ("started_at", "1731926000000"),
        ("completed_at", "9223372036854775807"),
        ("metadata", "[]"),
        ("metadata", '{"count":1.0,"nested":{"big":123456789012345678901234567890}}'),
        ("metadata", r'{"a\u0000b":"\ud800","plain":"-0"}'),
        ("metadata", r'{"escaped":"\/"}'),
        ("temperature", "1.0"),
        ("temperature", "1e400"),
        ("top_p", "1"),
        ("tools", '[{"type":"function","function":{"name":"f","parameters":{"minimum":-0.0}}}]'),
        ("status", r'"\u0000"'),
        ("required_action", r'{"type":"\ud800","later":[1.0]}'),
    ],
)
def test_unusual_value_round_trips(name: str, value: str) -> None:
    members = lossless_json.split_object(json.dumps(run_object()).encode()) | {name: value.encode()}
    back = lossless_json.split_object(round_trip(lossless_json.join_members(members)))
    assert objects.as_written(back[name]) == objects.as_written(value)


@pytest.mark.parametrize(
    "written",
    [
        "120",
        "120.0",
        "120.000",
        "1.2e2",
        "1.2E+02",
        "12000e-2",
        "0.12e3",
        "1.20000000000000000000e2",
        f"120.{'0' * 60}",
    ],
)
def test_whole_numbers_are_integers_in_any_spelling(written: str) -> None:
    raw = json.dumps(run_object(created_at=NOW)).replace(f'"created_at": {NOW}', f'"created_at": {written}')
    raw = raw.replace('"total_tokens": 150', f'"total_tokens": {written}')
    raw = raw.replace('"max_prompt_tokens": null', f'"max_prompt_tokens": {written}')
    columns = run.parse_run(lossless_json.split_object(raw.encode())).columns
    assert (columns.created_at.timestamp(), columns.total_tokens) == (120, 120)
    assert objects.as_written(round_trip(raw.encode())) == objects.as_written(raw)


def test_large_whole_number_is_not_rounded() -> None:
    usage = b'{"prompt_tokens":9007199254740993.0,"completion_tokens":0e9,"total_tokens":9.223372036854775807e18}'
    members = lossless_json.split_object(json.dumps(run_object()).encode()) | {"usage": usage}
    columns = run.parse_run(members).columns
    assert (columns.prompt_tokens, columns.completion_tokens, columns.total_tokens) == (2**53 + 1, 0, 2**63 - 1)


@pytest.mark.parametrize("name", ["instructions", "status", "model", "unheard_of"])
@pytest.mark.parametrize("piece", ["x", "漢😀", r"\u0000", r"\ud800"], ids=["ascii", "wide", "nul", "surrogate"])
def test_long_string_round_trips(name: str, piece: str) -> None:
    value = '"' + piece * (300_000 // len(piece.encode())) + '"'
    members = lossless_json.split_object(json.dumps(run_object()).encode()) | {name: value.encode()}
    assert lossless_json.is_same_json(
        lossless_json.split_object(round_trip(lossless_json.join_members(members)))[name], value.encode()
    )


def test_null_and_absent_optional_fields_differ() -> None:
    optional = [known.name for known in run.RUN_FIELDS if not known.required] + list(CONFIGURATION_FIELD_TYPES)
    for name in optional:
        for posted in (run_object(**{name: None}), run_object(**{name: ...})):
            assert json.loads(round_trip(json.dumps(posted).encode())) == posted


def test_pending_call_without_function_uses_own_name() -> None:
    action = {
        "type": "submit_tool_approval",
        "submit_tool_approval": {"tool_calls": [{"id": "c", "type": "mcp", "name": "search", "arguments": "{}"}]},
    }
    columns = parse(waiting_run(required_action=action)).columns
    assert (columns.action_type, columns.pending_functions, columns.revision) == (
        "submit_tool_approval",
        ["search"],
        "azure",
    )


def test_pending_functions_are_listed_in_order() -> None:
    assert parse(waiting_run("refund", "notify")).columns.pending_functions == ["refund", "notify"]


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({}, "v2"),
        ({"file_ids": []}, "v1"),
        ({"tools": [{"type": "retrieval"}]}, "v1"),
        ({name: ... for name in run_object() if name in run._V2_FIELDS}, "v1"),
        ({"tools": [{"type": "bing_grounding"}]}, "azure"),
    ],
)
def test_revision_is_detected_by_its_fields(changes: dict[str, Any], revision: str) -> None:
    assert parse(run_object(**changes)).columns.revision == revision


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"status": "completed", "completed_at": NOW + 9}, 9),
        ({"status": "expired", "expires_at": NOW + 600}, 600),
        ({"status": "expired", "expires_at": None, "completed_at": NOW + 7}, 7),
        ({"status": "cancelled", "cancelled_at": NOW + 3}, 3),
        ({"status": "failed", "completed_at": None, "failed_at": NOW + 2}, 2),
        ({"status": "incomplete", "completed_at": NOW + 4}, 4),
        ({"status": "completed", "completed_at": None}, None),
        ({"status": "in_progress", "completed_at": NOW + 9}, None),
        ({"status": "completed", "completed_at": NOW - 5}, None),
        ({"status": "completed", "completed_at": (NOW + 1) * 1000 + 500}, 1.5),
    ],
)
def test_duration_ends_at_status_timestamp(changes: dict[str, Any], seconds: float | None) -> None:
    columns = parse(run_object(created_at=NOW, **changes)).columns
    assert columns.duration_ms == (None if seconds is None else seconds * 1000)


def _action(**call: Any) -> dict[str, Any]:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}} | call]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}


MALFORMED: list[tuple[dict[str, Any], str, str]] = [
    # required fields
    ({"id": ...}, "/id", "required"),
    ({"id": None}, "/id", "got null"),
    ({"id": 7}, "/id", "expected string, got integer"),
    ({"id": ""}, "/id", "length >= 1"),
    ({"id": "x" * 257}, "/id", "length <= 256"),
    ({"id": "a\0b"}, "/id", "U+0000"),
    ({"id": "../logout"}, "/id", "/"),
    ({"thread_id": ""}, "/thread_id", "length >= 1"),
    ({"thread_id": "x" * 257}, "/thread_id", "length <= 256"),
    ({"thread_id": "."}, "/thread_id", "must not be"),
    ({"assistant_id": ""}, "/assistant_id", "length >= 1"),
    ({"assistant_id": "a/b"}, "/assistant_id", "must not contain"),
    ({"id": "\ud800"}, "/id", "surrogate"),
    ({"id": ["run_1"]}, "/id", "expected string, got array"),
    ({"object": ...}, "/object", "required"),
    ({"object": None}, "/object", 'expected "thread.run", got null'),
    ({"object": 1}, "/object", 'expected "thread.run", got number'),
    ({"object": "thread.run.step"}, "/object", "/api/v1/steps"),
    ({"object": "thread.message"}, "/object", "/api/v1/messages"),
    ({"object": "assistant"}, "/object", "/api/v1/assistants"),
    ({"object": "thread.run.step.delta"}, "/object", "stream event"),
    ({"object": "response"}, "/object", "Responses API"),
    ({"object": "chat.completion"}, "/object", "chat completion"),
    ({"object": "list"}, "/object", "array of objects"),
    ({"object": "realtime.session"}, "/object", 'got "realtime.session"'),
    ({"object": "\ud800" * 1000}, "/object", 'expected "thread.run"'),
    ({"created_at": ...}, "/created_at", "required"),
    ({"created_at": None}, "/created_at", "expected integer, got null"),
    ({"created_at": -1}, "/created_at", ">= 0"),
    ({"created_at": 1.5}, "/created_at", "expected integer, got number 1.5"),
    ({"created_at": 1e300}, "/created_at", "expected integer, got number 1e+300"),
    ({"created_at": True}, "/created_at", "expected integer, got boolean"),
    (
        {"created_at": "1700000000"},
        "/created_at",
        'expected integer, got string "1700000000": post the number without quotes',
    ),
    ({"created_at": 2**63}, "/created_at", "<= 9223372036854775807"),
    ({"created_at": 10**4200}, "/created_at", "expected integer"),
    ({"thread_id": ...}, "/thread_id", "required"),
    ({"thread_id": None}, "/thread_id", "expected string, got null"),
    ({"thread_id": {}}, "/thread_id", "expected string, got object"),
    ({"assistant_id": ...}, "/assistant_id", "required"),
    ({"assistant_id": 1}, "/assistant_id", "expected string, got integer"),
    ({"status": ...}, "/status", "required"),
    ({"status": None}, "/status", "expected string, got null"),
    ({"status": False}, "/status", "expected string, got boolean"),
    # other times
    ({"started_at": "now"}, "/started_at", "expected integer or null, got string"),
    ({"expires_at": -5}, "/expires_at", ">= 0"),
    ({"cancelled_at": 1.25}, "/cancelled_at", "got number"),
    ({"failed_at": []}, "/failed_at", "got array"),
    ({"completed_at": 2**64}, "/completed_at", "<="),
    # nested objects
    ({"required_action": []}, "/required_action", "expected object or null, got array"),
    ({"required_action": {}}, "/required_action/type", "required, but missing"),
    ({"required_action": {"type": 1}}, "/required_action/type", "expected string, got integer"),
    (
        {"required_action": {"type": "submit_tool_outputs", "submit_tool_outputs": {}}},
        "/required_action/submit_tool_outputs/tool_calls",
        "required, but missing",
    ),
    (
        {"required_action": {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": {}}}},
        "/required_action/submit_tool_outputs/tool_calls",
        "expected array, got object",
    ),
    (
        {"required_action": _action(id=None)},
        "/required_action/submit_tool_outputs/tool_calls/0/id",
        "got null",
    ),
    (
        {"required_action": _action(function={})},
        "/required_action/submit_tool_outputs/tool_calls/0/function/name",
        "required, but missing",
    ),
    (
        {"required_action": _action(function={"name": "f", "arguments": {}})},
        "/required_action/submit_tool_outputs/tool_calls/0/function/arguments",
        "expected string or null, got object",
    ),
    ({"last_error": "boom"}, "/last_error", "expected object or null, got string"),
    (
        {"last_error": {"code": 500, "message": ""}},
        "/last_error/code",
        "expected string or null, got integer",
    ),
    ({"last_error": {"code": "x", "message": []}}, "/last_error/message", "got array"),
    ({"incomplete_details": "max"}, "/incomplete_details", "got string"),
    ({"incomplete_details": {"reason": 1}}, "/incomplete_details/reason", "got integer"),
    ({"usage": []}, "/usage", "expected object or null, got array"),
    ({"usage": {"prompt_tokens": "1"}}, "/usage/prompt_tokens", "expected integer or null, got string"),
    ({"usage": {"total_tokens": 1.5}}, "/usage/total_tokens", "expected integer or null, got number"),
    (
        {"usage": {"prompt_tokens": 1.25, "completion_tokens": 1, "total_tokens": 2}},
        "/usage/prompt_tokens",
        "expected integer or null, got number",
    ),
    ({"usage": {"total_tokens": True}}, "/usage/total_tokens", "got boolean"),
    ({"usage": {"completion_tokens": 2**63}}, "/usage/completion_tokens", "<= 9223372036854775807"),
    (
        {"usage": {"prompt_tokens": -(2**63) - 1, "completion_tokens": 1, "total_tokens": 1}},
        "/usage/prompt_tokens",
        ">= -9223372036854775808",
    ),
    ({"usage": {"prompt_token_details": 3}}, "/usage/prompt_token_details", "expected object or null"),
    (
        {"usage": {"prompt_tokens_details": {"cached_tokens": "x"}}},
        "/usage/prompt_tokens_details/cached_tokens",
        "got string",
    ),
    ({"metadata": "x"}, "/metadata", "got string"),
    ({"metadata": [1]}, "/metadata", "expected object or empty array, got array of length 1"),
    # configuration
    ({"model": 4}, "/model", "expected string or null, got integer"),
    ({"instructions": ["a"]}, "/instructions", "got array"),
    ({"tools": {}}, "/tools", "expected array or null, got object"),
    ({"tools": [None]}, "/tools/0", "expected object, got null"),
    ({"tools": [{"type": "code_interpreter"}, "f"]}, "/tools/1", "expected object, got string"),
    ({"tools": [{}]}, "/tools/0/type", "required, but missing"),
    ({"tools": [{"type": 3}]}, "/tools/0/type", "expected string, got integer"),
    ({"tools": [{"type": "function"}]}, "/tools/0/function", "required, but missing"),
    ({"tools": [{"type": "function", "function": {}}]}, "/tools/0/function/name", "required, but missing"),
    ({"tools": [{"type": "function", "function": {"name": None}}]}, "/tools/0/function/name", "got null"),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
        "/tools/0/function/parameters",
        "got string",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]},
        "/tools/0/function/strict",
        "expected boolean or null, got integer",
    ),
    ({"file_ids": [1]}, "/file_ids/0", "expected string, got integer"),
    ({"tool_resources": []}, "/tool_resources", "got array"),
    ({"temperature": "1"}, "/temperature", "expected number or null, got string"),
    ({"temperature": True}, "/temperature", "got boolean"),
    ({"top_p": {}}, "/top_p", "got object"),
    ({"max_prompt_tokens": 1.5}, "/max_prompt_tokens", "expected integer or null, got number"),
    ({"max_completion_tokens": 2**63}, "/max_completion_tokens", "<="),
    ({"truncation_strategy": "auto"}, "/truncation_strategy", "expected object or null, got string"),
    ({"truncation_strategy": {}}, "/truncation_strategy/type", "required, but missing"),
    (
        {"truncation_strategy": {"type": "last_messages", "last_messages": "5"}},
        "/truncation_strategy/last_messages",
        "got string",
    ),
    ({"tool_choice": 1}, "/tool_choice", "got integer"),
    ({"parallel_tool_calls": "yes"}, "/parallel_tool_calls", "expected boolean or null, got string"),
    ({"parallel_tool_calls": 1}, "/parallel_tool_calls", "got integer"),
    ({"response_format": []}, "/response_format", "got array"),
    ({"reasoning_effort": 3}, "/reasoning_effort", "expected string or null, got integer"),
]


@pytest.mark.parametrize(("changes", "path", "message"), MALFORMED, ids=_shorten)
def test_invalid_field_is_reported_by_path(changes: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        parse(run_object(**changes))
    found = {problem.path: problem.message for problem in refused.value.problems}
    assert set(found) == {path}
    assert message in found[path]
    found[path].encode()
    assert len(found[path]) < 500


def test_all_invalid_fields_are_reported() -> None:
    with pytest.raises(InvalidObject) as refused:
        parse(run_object(status=1, usage=[], tools={}, created_at=...))
    assert {problem.path for problem in refused.value.problems} == {
        "/status",
        "/usage",
        "/tools",
        "/created_at",
    }


def test_run_of_foreign_protocol_is_recognized() -> None:
    with pytest.raises(InvalidObject) as refused:
        parse({"run_id": "1", "thread_id": "2", "assistant_id": "3", "status": "success"})
    assert "another agent server" in {each.path: each.message for each in refused.value.problems}["/object"]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "paused"},
        {"tools": [{"type": "telepathy", "strength": 3}]},
        {"instructions": None},
        {"metadata": []},
        {"max_completion_tokens": 16},
        {"usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}},
        {"created_at": 1_731_926_000_000},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tools": [function_tool("f") | {"function": {"name": "f", "parameters": True}}]},
        {"id": "x" * 256},
        {"id": "😀" * 256},
    ],
    ids=_shorten,
)
def test_vendor_deviations_are_accepted(changes: dict[str, Any]) -> None:
    posted = run_object(**changes)
    assert json.loads(round_trip(json.dumps(posted).encode())) == posted


def test_long_error_code_is_kept_and_truncated() -> None:
    posted = failed_run("It went wrong. " * 40, "And how.")
    columns = parse(posted).columns
    assert columns.error_code == ("It went wrong. " * 40)[:256]
    assert json.loads(round_trip(json.dumps(posted).encode()))["last_error"] == posted["last_error"]
