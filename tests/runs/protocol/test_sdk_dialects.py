"""Objects as SDKs print them are refused with the names and numbers of the protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.errors import InvalidObject
from runs.protocol import lossless_json, message, run, step
from tests.factories import NOW, message_object, run_object, step_object, waiting_run

PRINTED_TIME = "2026-11-18T11:06:40.000Z"


def to_camel_case(value: Any) -> Any:
    match value:
        case dict():
            return {_rename(name): to_camel_case(item) for name, item in value.items()}
        case list():
            return [to_camel_case(item) for item in value]
    return value


def _rename(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def find_problems(parse: Any, posted: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidObject) as refused:
        parse(lossless_json.split_object(json.dumps(posted).encode()))
    return {problem.path: problem.message for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("parse", "posted", "paths"),
    [
        (run.parse_run, waiting_run(), {"/createdAt", "/assistantId", "/threadId"}),
        (step.parse_step, step_object(run_object()), {"/createdAt", "/runId"}),
        (message.parse_message, message_object(), {"/createdAt", "/threadId"}),
    ],
    ids=["run", "step", "message"],
)
def test_names_of_javascript_are_recognised(parse: Any, posted: dict[str, Any], paths: set[str]) -> None:
    problems = find_problems(parse, to_camel_case(posted) | {"createdAt": PRINTED_TIME})
    assert set(problems) == paths
    assert problems["/createdAt"].startswith('expected the name "created_at", got "createdAt", as SDKs for JavaScript')
    assert not any("missing" in text for text in problems.values())


def test_names_of_dotnet_are_recognised() -> None:
    posted = {_rename(f"_{name}"): value for name, value in run_object().items()}
    problems = find_problems(run.parse_run, posted)
    assert set(problems) == {"/object", "/Id", "/CreatedAt", "/AssistantId", "/ThreadId", "/Status"}
    assert all("as SDKs for .NET print objects" in text for text in problems.values())


@pytest.mark.parametrize(
    "time", [PRINTED_TIME, "2026-11-18T11:06:40", "2026-11-18 12:06:40+01:00", "2026-11-18T11:06:40.123456Z"]
)
def test_printed_times_are_converted_in_the_message(time: str) -> None:
    [text] = find_problems(run.parse_run, run_object(created_at=time)).values()
    assert text.startswith(f"expected integer, got string, a time as SDKs print it: expected Unix seconds, {NOW}")


def test_nested_names_are_recognised() -> None:
    posted = waiting_run()
    posted["required_action"]["submit_tool_outputs"] = to_camel_case(posted["required_action"]["submit_tool_outputs"])
    [path] = find_problems(run.parse_run, posted)
    assert path == "/required_action/submit_tool_outputs/toolCalls"
