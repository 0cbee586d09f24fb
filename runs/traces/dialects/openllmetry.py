"""OpenLLMetry, the instrumentations of Traceloop.

https://github.com/traceloop/openllmetry/tree/main/packages/opentelemetry-semantic-conventions-ai
"""

from __future__ import annotations

from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages
from runs.traces.dialects.dialect import SpanDialect, unflatten_attributes
from runs.traces.span_view import SpanView

_KINDS = {"workflow": SpanRole.WORKFLOW, "agent": SpanRole.AGENT, "tool": SpanRole.TOOL}
_REQUEST_TYPES = {"chat": SpanRole.MODEL, "completion": SpanRole.MODEL}


def _find_role(span: SpanView) -> SpanRole | None:
    kind = span.get_text(("traceloop.span.kind",))
    if kind is not None:
        return _KINDS.get(kind.lower(), SpanRole.OTHER)
    request_type = span.get_text(("llm.request.type",))
    return None if request_type is None else _REQUEST_TYPES.get(request_type.lower(), SpanRole.OTHER)


def _read_messages(span: SpanView, name: str, role: str) -> list[ChatMessage]:
    messages = unflatten_attributes(span, name)
    if messages or _find_role(span) is SpanRole.TOOL:
        return parse_chat_messages(messages, role)
    entity = "input" if role == "user" else "output"
    return parse_chat_messages(span.attributes.get(f"traceloop.entity.{entity}"), role)


def _read_tools(span: SpanView) -> list[Any]:
    functions = unflatten_attributes(span, "llm.request.functions")
    return [
        function | {"parameters": decode_embedded_json(function.get("parameters"))}
        for function in functions
        if isinstance(function, dict)
    ]


OPENLLMETRY = SpanDialect(
    name="OpenLLMetry",
    find_role=_find_role,
    attributes={
        "agent_name": ("traceloop.entity.name",),
        "workflow_name": ("traceloop.workflow.name",),
        "conversation_id": ("traceloop.association.properties.session_id",),
        "request_model": ("llm.request.model",),
        "response_model": ("llm.response.model",),
        "finish_reasons": ("gen_ai.completion.0.finish_reason", "llm.response.finish_reason"),
        "usage.input": ("llm.usage.prompt_tokens",),
        "usage.output": ("llm.usage.completion_tokens",),
        "usage.total": ("llm.usage.total_tokens",),
        "tool.name": ("traceloop.entity.name",),
        "tool.arguments": ("traceloop.entity.input",),
        "tool.result": ("traceloop.entity.output",),
    },
    read_input=lambda span: _read_messages(span, "gen_ai.prompt", "user"),
    read_output=lambda span: _read_messages(span, "gen_ai.completion", "assistant"),
    read_tools=_read_tools,
    capture_settings=dict.fromkeys(
        ("opentelemetry.instrumentation.", "@traceloop/", "traceloop."), "TRACELOOP_TRACE_CONTENT=true"
    ),
)
