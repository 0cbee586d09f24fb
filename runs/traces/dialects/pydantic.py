"""Pydantic AI, and Logfire's own instrumentations of OpenAI's clients and agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages, text_message
from runs.traces.dialects.dialect import SpanDialect
from runs.traces.span_view import SpanView

# Logfire's spans are named after their templates.
_ROLES_BY_NAME = {
    "OpenAI Agents trace: ": SpanRole.WORKFLOW,
    "Agent run: ": SpanRole.AGENT,
    "Responses API with ": SpanRole.MODEL,
    "Chat completion with ": SpanRole.MODEL,
    "Chat Completion with ": SpanRole.MODEL,
    "Function: ": SpanRole.TOOL,
}
# Earlier versions of Pydantic AI name no operation.
_OLD_TOOL_NAME = "running tool"
_HISTORY = ("pydantic_ai.all_messages", "all_messages_events")


def _find_role(span: SpanView) -> SpanRole | None:
    for name, role in _ROLES_BY_NAME.items():
        if span.name.startswith(name):
            return role
    if "agent_name" in span.attributes and (span.get(_HISTORY) is not None or span.name.endswith(" run")):
        return SpanRole.AGENT
    if span.name.startswith(_OLD_TOOL_NAME) and "gen_ai.tool.name" in span.attributes:
        return SpanRole.TOOL
    return None


def _read_history(span: SpanView) -> list[ChatMessage]:
    """Return the messages of an agent, or of a model call, up to now."""
    value = span.get(_HISTORY) or span.attributes.get("input") or span.attributes.get("raw_input")
    if value is None:
        value = _member(span, "request_data", "messages") or _member(span, "request_data", "input")
    return parse_chat_messages(value, "user")


def _read_input(span: SpanView) -> list[ChatMessage]:
    if _find_role(span) is SpanRole.TOOL:
        return []
    messages = _read_history(span)
    last_input = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    return messages[: last_input + 1] if span.get(_HISTORY) is not None else messages


def _read_output(span: SpanView) -> list[ChatMessage]:
    if _find_role(span) is SpanRole.TOOL:
        return []
    if (result := span.attributes.get("final_result")) is not None:
        return text_message("assistant", result)
    value = span.attributes.get("output") or _member(span, "response_data", "message")
    if value is None and span.get(_HISTORY) is not None:
        return _read_history(span)[len(_read_input(span)) :]
    return parse_chat_messages(value, "assistant")


def _read_tools(span: SpanView) -> list[Any]:
    tools = _member(span, "model_request_parameters", "function_tools") or _member(span, "request_data", "tools")
    if not isinstance(tools, list):
        return []
    return [
        tool | {"parameters": tool["parameters_json_schema"]}
        if isinstance(tool, dict) and "parameters_json_schema" in tool
        else tool
        for tool in tools
    ]


def _member(span: SpanView, attribute: str, name: str) -> Any:
    value = decode_embedded_json(span.attributes.get(attribute))
    return value.get(name) if isinstance(value, Mapping) else None


PYDANTIC = SpanDialect(
    name="Pydantic",
    find_role=_find_role,
    attributes={
        "agent_name": ("agent_name", "name"),
        "conversation_id": ("group_id",),
        "request_model": ("model_name",),
        "response_id": ("response_id",),
        "usage.cached": ("gen_ai.usage.details.cache_read_tokens", "gen_ai.aggregated_usage.details.cache_read_tokens"),
        "usage.cache_write": ("gen_ai.usage.details.cache_write_tokens",),
        "usage.reasoning": ("gen_ai.usage.details.reasoning_tokens",),
        "tool.name": ("name",),
        "tool.arguments": ("tool_arguments", "input"),
        "tool.result": ("tool_response", "output"),
    },
    read_input=_read_input,
    read_output=_read_output,
    read_tools=_read_tools,
    have_no_prefix=True,
    capture_settings=dict.fromkeys(("pydantic-ai", "logfire"), "InstrumentationSettings(include_content=True)"),
)
