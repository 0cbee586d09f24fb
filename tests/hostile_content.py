"""Runs, steps and messages that are as expensive as the limits of ingest allow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.factories import (
    failed_run,
    function_call,
    function_tool,
    message_object,
    run_object,
    step_object,
    waiting_run,
)

STEP_COUNT = 700
LONG = "x" * 250_000
NUMBERS = [0] * 30_000


@dataclass
class HostileRun:
    """A run with its steps and messages."""

    run: dict[str, Any]
    steps: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)


def nest(value: Any, depth: int) -> Any:
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def build_hostile_runs() -> Iterator[HostileRun]:
    """Yield the runs, whose ids are `run_hostile_NAME`."""
    for name, build in _BUILDERS.items():
        hostile = build()
        run = hostile.run | {"id": f"run_hostile_{name}", "thread_id": f"thread_hostile_{name}"}
        for record in (*hostile.steps, *hostile.messages):
            record["thread_id"] = run["thread_id"]
            record["run_id"] = run["id"] if record.get("run_id") else None
        yield HostileRun(run, hostile.steps, hostile.messages)


def _long_strings() -> HostileRun:
    run = failed_run(
        f"c{LONG}", f"m {LONG}", model=f"gpt{LONG}", instructions=LONG, metadata={"k": LONG, LONG[:1000]: "v"},
        tools=[
            {"type": "function", "function": {"name": "find", "description": LONG, "parameters": {"title": LONG}}},
            function_tool(f"find{LONG}"),
            {"type": f"t{LONG}"},
        ],
        tool_choice=LONG, response_format={"type": LONG}, incomplete_details={"reason": LONG}, vendor=LONG,
    )  # fmt: skip
    search = {"file_id": LONG, "file_name": LONG, "score": 0.5, "content": [{"type": "text", "text": LONG}]}
    calls = [
        function_call(f"find{LONG}", json.dumps({"order": LONG}), f"Error: {LONG}"),
        function_call("find", '{"order": 1}', LONG),
        {"id": "c", "type": f"odd{LONG}", f"odd{LONG}": {"output": LONG}},
        {"id": LONG, "type": "code_interpreter",
         "code_interpreter": {"input": LONG, "outputs": [{"type": "logs", "logs": LONG}]}},
        {"id": "f", "type": "file_search", "file_search": {"results": [search] * 3}},
    ]  # fmt: skip
    steps = [step_object(run, call) for call in calls]
    failure = {"status": "failed", "last_error": {"code": LONG, "message": LONG}}
    steps += [step_object(run, type=LONG), step_object(run, **failure)]
    return HostileRun(run, steps, [message_object(run, LONG), message_object(None, LONG)])


def _many_names() -> HostileRun:
    fields = {f"unknown{number}": number for number in range(1_500)}
    names = {f"name{number}": number for number in range(1_900)}
    run = run_object(metadata={f"key{number}": "v" * 100 for number in range(1_900)}, vendor=names, **fields)
    return HostileRun(run, [step_object(run, {"id": "c", "type": "odd", "odd": names})])


def _many_tools() -> HostileRun:
    run = run_object(tools=[function_tool(f"tool_{number}") for number in range(600)])
    calls = [function_call(f"tool_{number}", '{"order": 1}') for number in range(500)]
    return HostileRun(run, [step_object(run, *calls)])


def _many_pending_calls() -> HostileRun:
    run = waiting_run(*(f"function_{number}" for number in range(1_500)))
    return HostileRun(run)


def _many_steps() -> HostileRun:
    run = run_object()
    steps = [step_object(run, function_call("search_orders")) for _ in range(STEP_COUNT)]
    return HostileRun(run, steps, [message_object(run, f"answer {number}") for number in range(50)])


def _deep_values() -> HostileRun:
    deep = nest(1, 60)
    run = run_object(
        metadata={"a": json.dumps(nest(NUMBERS, 60))}, vendor=deep, tools=[function_tool("deep", order=nest({}, 40))],
        response_format={"type": "json_schema", "json_schema": {"name": "deep", "schema": deep}},
    )  # fmt: skip
    return HostileRun(run, [step_object(run, function_call("deep", json.dumps(deep), json.dumps(NUMBERS)))])


def _arrays_and_lines() -> HostileRun:
    run = run_object(vendor=NUMBERS, other=nest(NUMBERS, 50), instructions="\n" * 1_000_000)
    return HostileRun(run, [step_object(run, {"id": "c", "type": "odd", "odd": NUMBERS})])


def _markdown() -> HostileRun:
    run = run_object(instructions=("a|" * 900 + "\n" + "-|" * 900 + "\n") * 12)
    texts = (">" * 5_900, "[" * 5_900, "*a " * 1_900, "`" * 5_900, "![x](" * 1_100, "<" * 5_900, "- " * 2_900)
    return HostileRun(run, [], [message_object(run, text) for text in texts])


def _schemas() -> HostileRun:
    """Functions whose schemas are invalid, endless, enormous or unknown to the validator, each called."""
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    alternatives = {"properties": {"x": {"anyOf": [{"type": "integer"}] * 1_200}}}
    schemas = [
        {"properties": {"x": {"type": "string", "pattern": "^((a?){65000}){65000}$"}}},
        {"$ref": "#/$defs/d0", "$defs": doubled | {"d30": {"type": "object"}}},
        {"$ref": "#/x", "x": {"type": "any"}},
        {"$schema": 5},
        {"$schema": "http://[host]/schema"},
        {"$ref": "#/allOf/x", "allOf": [{}]},
        {"properties": {"x": {"multipleOf": 0.01}}},
        {"properties": {"x": {"enum": list(range(4_000))}}},
        alternatives,
        {"not": {"not": {"not": {"anyOf": [{"$ref": "#"}]}}}},
        {"maxProperties": int("9" * 4_000)},
    ]
    tools = [
        {"type": "function", "function": {"name": f"f{number}", "parameters": schema}}
        for number, schema in enumerate(schemas)
    ]
    arguments = ('{"x": ""}', '{"x": 1e999}', json.dumps({"x": LONG[:60_000]}), '{"x": ' + "7" * 5_000 + "}")
    run = run_object(tools=tools)
    calls = [function_call(f"f{number}", text) for number in range(len(schemas)) for text in arguments]
    return HostileRun(run, [step_object(run, call) for call in calls])


_BUILDERS = {
    "strings": _long_strings,
    "names": _many_names,
    "tools": _many_tools,
    "pending": _many_pending_calls,
    "steps": _many_steps,
    "depth": _deep_values,
    "arrays": _arrays_and_lines,
    "markdown": _markdown,
    "schemas": _schemas,
}
