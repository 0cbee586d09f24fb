"""Tool calls of steps, of all types in one form."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runs.protocol.lossless_json import encode_json
from runs.protocol.step import get_tool_name, parse_tool_calls

_INPUT_MEMBERS = ("arguments", "input", "code")
_RESULT_MEMBERS = ("output", "outputs", "results")
# The types of tools in the semantic conventions: run by the client; by the server; by the server, on data.
FUNCTION_TOOL, _EXTENSION_TOOL, _DATASTORE_TOOL = "function", "extension", "datastore"
_TOOL_TYPES = {
    "function": FUNCTION_TOOL,
    "custom": FUNCTION_TOOL,
    "file_search": _DATASTORE_TOOL,
    "retrieval": _DATASTORE_TOOL,
    "azure_ai_search": _DATASTORE_TOOL,
}


class PostedToolCall(Struct, frozen=True):
    """A call of a tool. Arguments and result are texts, as posted, or JSON; the result is None without one."""

    id: str
    name: str
    tool_type: str
    arguments: str
    result: str | None


def read_posted_calls(step_id: str, details: str | None) -> list[PostedToolCall]:
    """Return the calls in stored `step_details`. A call without an id gets that of the step and its position."""
    return [_read_call(call, f"{step_id}:{index}") for index, call in enumerate(parse_tool_calls(details))]


def _read_call(call: dict[str, Any], default_id: str) -> PostedToolCall:
    body = call.get(call["type"])
    members = body if isinstance(body, dict) else {name: call[name] for name in call if name not in ("id", "type")}
    result = next((members[name] for name in _RESULT_MEMBERS if members.get(name) is not None), None)
    return PostedToolCall(
        call["id"] if isinstance(call.get("id"), str) and call["id"] else default_id,
        get_tool_name(call),
        _TOOL_TYPES.get(call["type"], _EXTENSION_TOOL),
        _read_arguments(members),
        None if result is None else _to_text(result),
    )


def _read_arguments(members: dict[str, Any]) -> str:
    """Return the input of a call; if it has none, all members but the result."""
    for name in _INPUT_MEMBERS:
        if name in members:
            return "" if members[name] is None else _to_text(members[name])
    rest = {name: value for name, value in members.items() if name not in (*_RESULT_MEMBERS, "name")}
    return encode_json(rest).decode() if rest else ""


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else encode_json(value).decode()
