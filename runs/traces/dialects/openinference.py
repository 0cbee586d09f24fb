"""OpenInference, the conventions of Arize Phoenix.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages
from runs.traces.dialects.dialect import SpanDialect, unflatten_attributes
from runs.traces.span_view import SpanView

_KIND = ("openinference.span.kind",)
_ROLES = {"AGENT": SpanRole.AGENT, "LLM": SpanRole.MODEL, "TOOL": SpanRole.TOOL}


def _find_role(span: SpanView) -> SpanRole | None:
    kind = span.get_text(_KIND)
    if kind is None:
        return None
    role = _ROLES.get(kind.upper(), SpanRole.OTHER)
    is_handoff = role is SpanRole.TOOL and "tool.name" not in span.attributes and span.name.startswith("handoff to ")
    return SpanRole.OTHER if is_handoff else role


def _read_messages(span: SpanView, direction: str, role: str) -> list[ChatMessage]:
    messages = [_unwrap(message) for message in unflatten_attributes(span, f"llm.{direction}_messages")]
    if messages:
        return parse_chat_messages(messages, role)
    if _find_role(span) is SpanRole.TOOL:
        return []
    return parse_chat_messages(span.attributes.get(f"{direction}.value"), role)


def _unwrap(message: Any) -> dict[str, Any]:
    """Return a message without the levels that only name what is in them."""
    message = message.get("message", {}) if isinstance(message, dict) else {}
    contents = message.get("contents")
    unwrapped = dict(message)
    if isinstance(contents, list):
        unwrapped["parts"] = [part.get("message_content", part) for part in contents if isinstance(part, dict)]
    elif isinstance(message.get("content"), list):
        unwrapped["content"] = "\n\n".join(text for text in message["content"] if isinstance(text, str))
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        unwrapped["tool_calls"] = [call.get("tool_call", call) for call in calls if isinstance(call, dict)]
    return unwrapped


def _read_tools(span: SpanView) -> list[Any]:
    tools = (tool.get("tool") for tool in unflatten_attributes(span, "llm.tools") if isinstance(tool, dict))
    return [decode_embedded_json(tool.get("json_schema")) for tool in tools if isinstance(tool, dict)]


OPENINFERENCE = SpanDialect(
    name="OpenInference",
    find_role=_find_role,
    attributes={
        "agent_name": ("agent.name", "graph.node.id"),
        "conversation_id": ("session.id",),
        "provider": ("llm.provider", "llm.system"),
        "request_model": ("llm.model_name", "embedding.model_name"),
        "finish_reasons": ("llm.finish_reason",),
        "usage.input": ("llm.token_count.prompt",),
        "usage.output": ("llm.token_count.completion",),
        "usage.total": ("llm.token_count.total",),
        "usage.cached": ("llm.token_count.prompt_details.cache_read",),
        "usage.cache_write": ("llm.token_count.prompt_details.cache_write",),
        "usage.reasoning": ("llm.token_count.completion_details.reasoning",),
        "tool.name": ("tool.name",),
        "tool.call_id": ("tool_call.id", "tool.id"),
        # `tool.parameters` are the arguments in some instrumentations, and the schema in others
        "tool.arguments": ("input.value", "tool.parameters"),
        "tool.result": ("output.value",),
    },
    read_input=lambda span: _read_messages(span, "input", "user"),
    read_output=lambda span: _read_messages(span, "output", "assistant"),
    read_tools=_read_tools,
    capture_settings=dict.fromkeys(
        ("openinference.", "@arizeai/openinference-"),
        "OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false",
    ),
)
