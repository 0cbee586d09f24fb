"""Problems of posted objects: the field, what was expected and what was found."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

import msgspec

from runs.errors import InvalidObject, Problem
from runs.protocol import lossless_json
from runs.protocol.sdk_dialects import describe_iso_time, describe_sdk_name, find_sdk_name

_MAX_SHOWN_LENGTH = 256  # characters of a posted value in a message
_TYPE_NAMES = {"int": "integer", "str": "string", "bool": "boolean", "float": "number"}
_MISSING_FIELD = re.compile(r"Object missing required field `([^`]*)`")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")

# Hints for objects of other types and of other protocols.
OBJECT_HINTS = {
    "thread.run": "post it to /api/v1/runs",
    "thread.run.step": "post it to /api/v1/steps",
    "thread.message": "post it to /api/v1/messages",
    "assistant": "post it to /api/v1/assistants",
    "thread.run.step.delta": "this is a stream event; post it to /api/v1/events",
    "thread.message.delta": "this is a stream event; post it to /api/v1/events",
    "list": "its `data` must be an array of objects",
    "response": "this is an object of the Responses API; post it to /api/v1/responses",
    "chat.completion": "this is a chat completion, not a run of the Assistants protocol",
}


def problem_from_validation_error(name: str, value: Any, error: msgspec.ValidationError) -> Problem:
    """Convert an error of msgspec about the `value` of the field `name`, or of a whole object if `name` is "".

    The path becomes a JSON Pointer and types get JSON's names. msgspec does not tell what violates a limit, so that
    is added.
    """
    message, _, path = str(error).partition(" - at `$")
    steps = [step or index for step, index in _PATH_STEP.findall(path.rstrip("`"))]
    pointer = "/".join(["", *([name] if name else []), *steps])
    if missing := _MISSING_FIELD.fullmatch(message):
        return missing_field_problem(pointer, missing[1], _find_value(value, steps) or {})
    message = re.sub(r"`([^`]*)`", lambda quoted: _name_types(quoted[1]), message)
    message = message[:1].lower() + message[1:]
    found = _find_value(value, steps)
    if ", got " not in message:
        message += _describe_limit_violation(found)
    elif isinstance(found, str) and _NUMBER.fullmatch(found) and "integer" in message:
        message += f' "{found}": post the number without quotes'
    elif isinstance(found, str) and "integer" in message:
        message += describe_iso_time(found[:_MAX_SHOWN_LENGTH])
    elif isinstance(found, float) and "integer" in message:
        message += f" {found}"
    # the only array with a limit is that of metadata
    message = message.replace("expected array of length <= 0", "expected object or empty array")
    return Problem(pointer, message)


def missing_field_problem(pointer: str, name: str, posted_names: Container[str]) -> Problem:
    """Return the problem of a required field that the object at `pointer` lacks, or has under the name of an SDK."""
    if sdk_name := find_sdk_name(name, posted_names):
        return Problem(f"{pointer}/{sdk_name}", describe_sdk_name(name, sdk_name))
    return Problem(f"{pointer}/{name}", "required, but missing")


def _name_types(types: str) -> str:
    return " or ".join(_TYPE_NAMES.get(word, word) for word in types.split(" | "))


def _find_value(value: Any, steps: Sequence[str]) -> Any:
    """Return the value at the end of a path, None if the path does not name every step."""
    for step in steps:
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if step.isdecimal():
                value = value[int(step)]
            case _:
                return None  # errors do not name the keys of dictionaries
    return value


def _describe_limit_violation(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return f", got length {len(value)}"
        case list():
            return f", got array of length {len(value)}"
        case _:
            return f", got {value}"[:_MAX_SHOWN_LENGTH]


def check_object_type(posted: Mapping[str, bytes], expected: str) -> list[Problem]:
    """Return the problems of the field `object`. Some compatible servers leave it empty, which is as good as right.

    Raises InvalidObject for an object of another type, since its other fields can't be validated.
    """
    if posted.get("object") == f'"{expected}"'.encode():
        return []
    object_type = lossless_json.decode_json(posted.get("object", b"null"))
    if object_type in (expected, ""):
        return []
    problems = [Problem("/object", _describe_object_mismatch(object_type, expected, posted))]
    if object_type is not None:
        raise InvalidObject(problems=problems)
    return problems


def _describe_object_mismatch(object_type: Any, expected: str, posted: Mapping[str, bytes]) -> str:
    if object_type is None and (sdk_name := find_sdk_name("object", posted)):
        return describe_sdk_name("object", sdk_name)
    if object_type is None and "object" not in posted:
        is_foreign = "run_id" in posted and "thread_id" in posted and "assistant_id" in posted and "id" not in posted
        hint = "; this looks like a run of another agent server's own protocol" if is_foreign else ""
        return f'required, but missing; expected "{expected}"{hint}'
    if not isinstance(object_type, str):
        return f'expected "{expected}", got {_json_type(object_type)}'
    message = f'expected "{expected}", got "{lossless_json.clean_text(object_type)[:_MAX_SHOWN_LENGTH]}"'
    return f"{message}: {OBJECT_HINTS[object_type]}" if object_type in OBJECT_HINTS else message


def _json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"
