"""Messages of model calls, in one form for all dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from runs.protocol.inline_data import describe_attachment

PartKind = Literal["text", "reasoning", "tool_call", "tool_result", "other"]

_TEXT_TYPES = frozenset({"text", "input_text", "output_text", "refusal", "summary_text"})
_REASONING_TYPES = frozenset({"reasoning", "thinking", "reasoning_text"})
_CALL_TYPES = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "function", "custom_tool_call"})
_RESULT_TYPES = frozenset(
    {"tool_call_response", "tool-result", "tool_result", "function_call_output", "custom_tool_call_output"}
)
# Parts without a type, told apart by the only member that they have: Gemini's and Bedrock's.
_TYPES_BY_MEMBER = {
    "function_call": "tool_call",
    "functionCall": "tool_call",
    "toolUse": "tool_call",
    "function_response": "tool_result",
    "functionResponse": "tool_result",
    "toolResult": "tool_result",
}
_TEXT_MEMBERS = ("content", "text", "thinking", "reasoning", "refusal", "summary")
_CALL_IDS = ("id", "call_id", "tool_call_id", "toolCallId", "toolUseId")
_CALL_NAMES = ("name", "toolName", "tool_name")
_CALL_ARGUMENTS = ("arguments", "input", "args")
_RESULT_VALUES = ("response", "result", "output", "content")


class ChatPart(Struct, frozen=True):
    """A part of a message.

    `text` is the text, the arguments of a call as JSON, the output of a tool, or a description of an image or file.
    """

    kind: PartKind
    text: str = ""
    call_id: str | None = None
    name: str | None = None


class ChatMessage(Struct, frozen=True):
    """A message that a model got or wrote. Roles are system, user, assistant and tool."""

    role: str
    parts: tuple[ChatPart, ...] = ()

    @property
    def text(self) -> str:
        """The text parts, separated by empty lines."""
        return "\n\n".join(part.text for part in self.parts if part.kind == "text" and part.text)

    @property
    def tool_calls(self) -> list[ChatPart]:
        """The calls of tools."""
        return [part for part in self.parts if part.kind == "tool_call"]


_ROLES = {"model": "assistant", "ai": "assistant", "human": "user", "developer": "system", "function": "tool"}


def decode_embedded_json(value: Any) -> Any:
    """Return the JSON value in a string; the string itself if it is none, and other values as they are."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return value


def parse_chat_messages(value: Any, default_role: str) -> list[ChatMessage]:
    """Return the messages in an attribute: a text, a message or a list of them, as JSON or structured."""
    value = decode_embedded_json(value)
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if value in (None, "", [], {}):
        return []
    elements = value if isinstance(value, list) else [value]
    return [message for element in elements if (message := _parse_message(element, default_role)).parts]


def text_message(role: str, text: Any) -> list[ChatMessage]:
    """Return a list with a message of one text; an empty list if there is no text."""
    return [ChatMessage(role, (ChatPart("text", to_text(text)),))] if text not in (None, "") else []


def to_text(value: Any) -> str:
    """Return a value as text: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError, TypeError):
        return repr(value)


def first_value(members: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the first of the members `names` that has a value."""
    return next((value for name in names if (value := members.get(name)) not in (None, "")), None)


def _parse_message(value: Any, default_role: str) -> ChatMessage:
    if not isinstance(value, Mapping):
        return ChatMessage(default_role, tuple(_parse_parts(value)))
    kind = value.get("type")
    if kind in _CALL_TYPES or kind in _REASONING_TYPES or (kind in _TEXT_TYPES and "role" not in value):
        return ChatMessage("assistant" if kind in _CALL_TYPES else default_role, tuple(_parse_parts(value)))
    if kind in _RESULT_TYPES:
        return ChatMessage("tool", tuple(_parse_parts(value)))
    role = str(value.get("role") or default_role).lower()
    role = _ROLES.get(role, role)
    parts = _parse_parts(value.get("parts") or value.get("contents"))
    if not parts:
        content = first_value(value, ("content", "text", "reasoning_content"))
        parts = (
            [_tool_answer(value, content)]
            if role == "tool" and not isinstance(content, list)
            else _parse_parts(content)
        )
    calls = decode_embedded_json(value.get("tool_calls") or value.get("toolCalls") or [])
    parts += [_parse_call(call) for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    return ChatMessage(role, tuple(parts))


def _tool_answer(message: Mapping[str, Any], content: Any) -> ChatPart:
    call_id = first_value(message, ("tool_call_id", "id", "call_id"))
    return ChatPart("tool_result", to_text(content), call_id and str(call_id))


def _parse_parts(value: Any) -> list[ChatPart]:
    value = decode_embedded_json(value) if isinstance(value, str) and value[:2] == "[{" else value
    if isinstance(value, str):
        return [ChatPart("text", value)] if value else []
    if isinstance(value, Mapping):
        return [_parse_part(value)]
    if isinstance(value, list):
        return [part for element in value for part in _parse_parts(element)]
    return []


def _parse_part(part: Mapping[str, Any]) -> ChatPart:
    for name, kind in _TYPES_BY_MEMBER.items():
        if isinstance(part.get(name), Mapping):
            return _parse_call(part[name]) if kind == "tool_call" else _parse_result(part[name])
    kind = str(part.get("type") or "")
    if kind in _CALL_TYPES:
        return _parse_call(part)
    if kind in _RESULT_TYPES:
        return _parse_result(part)
    text = first_value(part, _TEXT_MEMBERS)
    if kind in _REASONING_TYPES or part.get("thought") is True:
        return ChatPart("reasoning", _nested_text(text))
    if kind in _TEXT_TYPES or (not kind and text is not None):
        return ChatPart("text", _nested_text(text))
    return ChatPart("other", describe_attachment(part))


def _nested_text(value: Any) -> str:
    if isinstance(value, list):
        return "\n\n".join(_nested_text(element) for element in value)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("text", value))
    return "" if value is None else to_text(value)


def _parse_call(call: Mapping[str, Any]) -> ChatPart:
    function = call.get("function") if isinstance(call.get("function"), Mapping) else call.get("tool_call", call)
    function = function if isinstance(function, Mapping) else call
    name, call_id = first_value(function, _CALL_NAMES), first_value(call, _CALL_IDS) or first_value(function, _CALL_IDS)
    arguments = first_value(function, _CALL_ARGUMENTS)
    return ChatPart(
        "tool_call",
        "" if arguments is None else to_text(arguments),
        None if call_id is None else str(call_id),
        None if name is None else str(name),
    )


def _parse_result(result: Mapping[str, Any]) -> ChatPart:
    call_id, name = first_value(result, _CALL_IDS), first_value(result, _CALL_NAMES)
    output = first_value(result, _RESULT_VALUES)
    text = "" if output is None else to_text(output)
    return ChatPart("tool_result", text, None if call_id is None else str(call_id), name and str(name))
