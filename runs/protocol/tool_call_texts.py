"""The texts of tool calls: id, arguments and output of each call, wherever its type has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runs.errors import UnreadableBody
from runs.protocol.lossless_json import clean_text, decode_json, dump_json, format_json, parse_json
from runs.protocol.step import parse_tool_calls

# The members of `required_action` with the calls that a run waits for.
PENDING_CALL_MEMBERS = ("submit_tool_outputs", "submit_tool_approval")
# The members with the input and with the output of a call; the first one that is set counts.
_ARGUMENT_MEMBERS = (
    *("arguments", "input", "requesturl"),
    # hosted tools of the Responses API
    *("code", "queries", "query", "action", "operation", "prompt", "revised_prompt"),
)
_OUTPUT_MEMBERS = ("output", "outputs", "results", "response_metadata", "error")


class ToolCallTexts(NamedTuple):
    """The id of a call, "" without one, and its arguments and output as people read them, "" where there are none."""

    call_id: str
    arguments: str
    output: str


def read_tool_call_texts(details: str | None) -> Iterator[ToolCallTexts]:
    """Yield the texts of the calls of stored `step_details`, in order."""
    return map(_read_call, parse_tool_calls(details))


def read_pending_call_texts(required_action: str) -> Iterator[ToolCallTexts]:
    """Yield the texts of the calls that a stored `required_action` asks for, in order."""
    action = decode_json(required_action.encode())
    for kind in PENDING_CALL_MEMBERS:
        yield from map(_read_call, (action.get(kind) or {}).get("tool_calls") or ())


def _read_call(call: Mapping[str, Any]) -> ToolCallTexts:
    body = call.get(call.get("type") or "")
    members: tuple[Mapping[str, Any], ...] = (body, call) if isinstance(body, dict) else (call,)
    call_id = call.get("id")
    return ToolCallTexts(
        clean_text(call_id) if isinstance(call_id, str) else "",
        _to_text(_find_member(members, _ARGUMENT_MEMBERS)),
        _to_text(_find_member(members, _OUTPUT_MEMBERS)),
    )


def _find_member(members: tuple[Mapping[str, Any], ...], names: tuple[str, ...]) -> Any:
    for part in members:
        for name in names:
            value = part.get(name)
            if value or value not in (None, "", []):
                return value
    return None


def _to_text(value: Any) -> str:
    """Return a string, or JSON. Escapes in JSON are replaced by the characters that they stand for."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean_text(_replace_escapes(value))
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("logs"), str) for part in value):
        return clean_text("\n".join(part["logs"] for part in value))
    return clean_text(format_json(value))


def _replace_escapes(text: str) -> str:
    r"""Return JSON without escapes such as `\u00e9`, which many clients write, and any other text as it is."""
    if "\\u" not in text or text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    try:
        return dump_json(parse_json(text))
    except (UnreadableBody, RecursionError):
        return text
