"""`thread.run.step` is validated and converted to columns without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from runs.errors import InvalidObject
from runs.protocol import lossless_json, step
from tests.factories import function_call, run_object, step_object
from tests.runs import objects

RUN = run_object()


def parse(posted: dict[str, Any]) -> step.StepColumns:
    return step.parse_step(lossless_json.split_object(json.dumps(posted).encode()))


@objects.examples(100)
@given(objects.steps)
def test_every_step_round_trips(raw: str) -> None:
    record = step.parse_step(lossless_json.split_object(raw.encode()))
    columns = {name: getattr(record, name) for name in record.__struct_fields__}
    assert objects.as_written(lossless_json.join_members(step.build_step_members(columns))) == objects.as_written(raw)


@pytest.mark.parametrize(
    ("call", "kind", "name"),
    [
        (function_call("search_orders"), "function", "search_orders"),
        (function_call("search_orders", output=None), "function", "search_orders"),
        (
            {"type": "code_interpreter", "code_interpreter": {"input": "1", "outputs": []}},
            "code_interpreter",
            None,
        ),
        ({"type": "file_search", "file_search": {}}, "file_search", None),
        ({"type": "retrieval", "retrieval": {}}, "retrieval", None),
        ({"type": "mcp", "name": "lookup", "arguments": "{}", "server_label": "wiki"}, "mcp", "lookup"),
        ({"type": "connected_agent", "name": "clerk", "run_id": "run_1"}, "connected_agent", "clerk"),
        ({"type": "connected_agent", "connected_agent": {"name": "clerk"}}, "connected_agent", None),
        ({"type": "openapi", "open_api": {}}, "openapi", None),
        ({"type": "telepathy", "name": 7}, "telepathy", None),
        ({"type": "function", "function": {"name": None}}, "function", None),
        ({"type": "function", "function": None, "name": "flat"}, "function", "flat"),
        ({"type": "a\0", "name": "\ud800"}, "a\ufffd", "\ufffd"),
    ],
    ids=ascii,
)
def test_tool_call_has_type_and_name(call: dict[str, Any], kind: str, name: str | None) -> None:
    record = parse(step_object(RUN, call))
    assert (record.tool_types, record.tool_names) == ([kind], [name or kind])


@pytest.mark.parametrize("details", [None, {"type": "activities", "activities": []}, {"type": "tool_calls"}])
def test_step_may_have_no_tool_calls(details: dict[str, Any] | None) -> None:
    assert parse(step_object(RUN, step_details=details)).tool_names == []


@pytest.mark.parametrize(
    ("status", "changes", "ended"),
    [
        ("completed", {}, True),
        ("in_progress", {}, False),
        ("failed", {"failed_at": 9, "completed_at": None}, True),
        ("expired", {"expired_at": 9, "completed_at": None}, True),
        ("cancelled", {"completed_at": None}, False),
        ("unheard_of", {}, False),
    ],
)
def test_step_ends_at_status_timestamp(status: str, changes: dict[str, Any], ended: bool) -> None:
    assert (parse(step_object(RUN, status=status, **changes)).ended_at is not None) is ended


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"object": "thread.run"}, "/object", "/api/v1/runs"),
        ({"run_id": None}, "/run_id", "got null"),
        ({"run_id": ""}, "/run_id", "length >= 1"),
        ({"run_id": "r" * 257}, "/run_id", "length <= 256"),
        ({"run_id": "a\0"}, "/run_id", "U+0000"),
        ({"thread_id": ".."}, "/thread_id", "must not be"),
        ({"assistant_id": "x" * 257}, "/assistant_id", "length <= 256"),
        ({"run_id": "\ud800"}, "/run_id", "surrogate"),
        ({"id": "\0"}, "/id", "U+0000"),
        ({"type": None}, "/type", "got null"),
        ({"status": 1}, "/status", "got integer"),
        ({"created_at": -1}, "/created_at", ">= 0"),
        ({"expired_at": 1.5}, "/expired_at", "got number"),
        ({"step_details": []}, "/step_details", "got array"),
        ({"step_details": {}}, "/step_details/type", "required, but missing"),
        (
            {"step_details": {"type": "tool_calls", "tool_calls": {}}},
            "/step_details/tool_calls",
            "got object",
        ),
        (
            {"step_details": {"type": "tool_calls", "tool_calls": [{}]}},
            "/step_details/tool_calls/0/type",
            "required, but missing",
        ),
        (
            {"step_details": {"type": "tool_calls", "tool_calls": [function_call("f", output=1)]}},  # type: ignore[arg-type]
            "/step_details/tool_calls/0/function/output",
            "expected string or null, got integer",
        ),
        ({"usage": {"total_tokens": 2**63}}, "/usage/total_tokens", "<="),
        ({"last_error": "x"}, "/last_error", "got string"),
        ({"metadata": [1]}, "/metadata", "expected object or empty array, got array of length 1"),
    ],
    ids=ascii,
)
def test_invalid_field_is_reported_by_path(changes: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        parse(step_object(RUN) | changes)
    found = {problem.path: problem.message for problem in refused.value.problems}
    assert set(found) == {path}
    assert message in found[path]
