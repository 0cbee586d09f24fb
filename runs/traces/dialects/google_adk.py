"""Google's Agent Development Kit. Its spans follow the semantic conventions, but their contents do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages
from runs.traces.dialects.dialect import SpanDialect
from runs.traces.span_view import SpanView

_SCOPE = "gcp.vertex.agent"
_ROLES = {"invocation": SpanRole.WORKFLOW, "call_llm": SpanRole.MODEL}


def _find_role(span: SpanView) -> SpanRole | None:
    return _ROLES.get(span.name) if span.scope == _SCOPE else None


def _request(span: SpanView) -> Mapping[str, Any]:
    request = decode_embedded_json(span.attributes.get("gcp.vertex.agent.llm_request"))
    return request if isinstance(request, Mapping) else {}


def _config(span: SpanView) -> Mapping[str, Any]:
    config = _request(span).get("config")
    return config if isinstance(config, Mapping) else {}


def _read_output(span: SpanView) -> list[ChatMessage]:
    response = decode_embedded_json(span.attributes.get("gcp.vertex.agent.llm_response"))
    return parse_chat_messages(response.get("content"), "assistant") if isinstance(response, Mapping) else []


def _read_instructions(span: SpanView) -> str | None:
    messages = parse_chat_messages(_config(span).get("system_instruction"), "system")
    return "\n\n".join(message.text for message in messages) or None


def _read_tools(span: SpanView) -> list[Any]:
    groups = _config(span).get("tools")
    if not isinstance(groups, list):
        return []
    return [
        declaration
        for group in groups
        if isinstance(group, Mapping)
        for declaration in group.get("function_declarations") or []
    ]


GOOGLE_ADK = SpanDialect(
    name="Google ADK",
    find_role=_find_role,
    attributes={
        "conversation_id": ("gcp.vertex.agent.session_id",),
        "tool.arguments": ("gcp.vertex.agent.tool_call_args",),
        "tool.result": ("gcp.vertex.agent.tool_response",),
    },
    read_input=lambda span: parse_chat_messages(_request(span).get("contents"), "user"),
    read_output=_read_output,
    read_instructions=_read_instructions,
    read_tools=_read_tools,
    capture_settings={_SCOPE: "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true"},
)
