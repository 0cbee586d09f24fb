"""Contents as the semantic conventions write them: messages, tool calls, instructions and definitions of tools.

Each is a JSON string on a span. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ links the schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runs.models import Message
from runs.protocol.lossless_json import decode_json, encode_json
from runs.protocol.message import get_part_text
from runs.span_export.posted_calls import PostedToolCall

Part = dict[str, Any]

_MODALITIES = {"image_file": "image", "image_url": "image", "input_image": "image", "input_audio": "audio"}


def encode_content(value: Any) -> str | None:
    """Return a list of contents as a JSON string; None if it is empty."""
    return encode_json(value).decode() if value else None


def build_message(role: str, parts: Sequence[Part], finish_reason: str | None = None) -> dict[str, Any]:
    """Return a message. Those that a model wrote have a `finish_reason`."""
    message: dict[str, Any] = {"role": role, "parts": list(parts)}
    return message if finish_reason is None else message | {"finish_reason": finish_reason}


def build_text_part(text: str) -> Part:
    """Return a part with a text."""
    return {"type": "text", "content": text}


def build_reasoning_part(text: str) -> Part:
    """Return a part with what a model thought."""
    return {"type": "reasoning", "content": text}


def encode_message_parts(message: Message) -> list[Part]:
    """Return the parts of a posted message; of files and images, where they are."""
    content = None if message.content is None else decode_json(message.content.encode())
    if isinstance(content, str):
        return [build_text_part(content)] if content else []
    return [_build_part(part) for part in content or []]


def build_call_part(call: PostedToolCall) -> Part:
    """Return the part with which a model calls a tool. The arguments are the text that it wrote, valid JSON or not."""
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}


def build_result_messages(calls: Iterable[PostedToolCall]) -> list[dict[str, Any]]:
    """Return the messages in which a model gets what tools returned."""
    parts = [
        {"type": "tool_call_response", "id": call.id, "response": call.result}
        for call in calls
        if call.result is not None
    ]
    return [build_message("tool", [part]) for part in parts]


def build_tool_definitions(tools: Any) -> list[dict[str, Any]]:
    """Return the posted tools of a run. A function has its members at the top level here."""
    definitions = []
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict):
            function = tool.get("function")
            definitions.append({"type": "function", **function} if isinstance(function, dict) else tool)
    return definitions


def _build_part(part: dict[str, Any]) -> Part:
    if text := get_part_text(part):
        return build_text_part(text)
    inner = part.get(part["type"])
    members = inner if isinstance(inner, dict) else part
    modality = _MODALITIES.get(part["type"], "file")
    if isinstance(file_id := members.get("file_id"), str):
        return {"type": "file", "modality": modality, "file_id": file_id}
    if isinstance(uri := members.get("url", members.get("image_url")), str):
        return {"type": "uri", "modality": modality, "uri": uri}
    return {"type": part["type"]}
