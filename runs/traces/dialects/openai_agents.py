"""The spans that OpenAI's Agents SDK exports by itself (see `runs.protocol.otlp.openai_agents_spans`).

https://openai.github.io/openai-agents-python/tracing/
"""

from __future__ import annotations

from runs.protocol.otlp.openai_agents_spans import ATTRIBUTE_PREFIX
from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, parse_chat_messages
from runs.traces.dialects.dialect import SpanDialect
from runs.traces.span_view import SpanView

_DATA = f"{ATTRIBUTE_PREFIX}span_data."
_ROLES = {
    "agent": SpanRole.AGENT,
    "response": SpanRole.MODEL,
    "generation": SpanRole.MODEL,
    "function": SpanRole.TOOL,
}


def _find_role(span: SpanView) -> SpanRole | None:
    object_type = span.attributes.get(f"{ATTRIBUTE_PREFIX}object")
    if object_type is None:
        return None
    if object_type == "trace" or span.attributes.get(f"{_DATA}data.sdk_span_type") == "task":
        return SpanRole.WORKFLOW
    return _ROLES.get(str(span.attributes.get(f"{_DATA}type")), SpanRole.OTHER)


def _read_messages(span: SpanView, name: str, role: str) -> list[ChatMessage]:
    if _find_role(span) is not SpanRole.MODEL:
        return []
    return parse_chat_messages(span.attributes.get(f"{_DATA}{name}"), role)


OPENAI_AGENTS = SpanDialect(
    name="OpenAI Agents SDK",
    find_role=_find_role,
    attributes={
        "agent_name": (f"{_DATA}name",),
        "workflow_name": (f"{ATTRIBUTE_PREFIX}workflow_name", f"{_DATA}data.name"),
        "conversation_id": (f"{ATTRIBUTE_PREFIX}group_id",),
        "request_model": (f"{_DATA}model",),
        "response_id": (f"{_DATA}response_id",),
        "usage.input": (f"{_DATA}usage.input_tokens",),
        "usage.output": (f"{_DATA}usage.output_tokens",),
        "usage.cached": (f"{_DATA}usage.input_tokens_details.cached_tokens",),
        "usage.reasoning": (f"{_DATA}usage.output_tokens_details.reasoning_tokens",),
        "tool.name": (f"{_DATA}name",),
        "tool.arguments": (f"{_DATA}input",),
        "tool.result": (f"{_DATA}output",),
    },
    read_input=lambda span: _read_messages(span, "input", "user"),
    read_output=lambda span: _read_messages(span, "output", "assistant"),
    capture_settings={
        "openai.agents": "The SDK's own exporter sends the ids of responses, not their contents. An instrumentation "
        "such as opentelemetry-instrumentation-genai-openai-agents",
    },
)
