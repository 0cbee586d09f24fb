"""Versions up to 6 of Vercel's AI SDK. Version 7 follows the semantic conventions.

https://ai-sdk.dev/docs/ai-sdk-core/telemetry
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages, text_message
from runs.traces.dialects.dialect import SpanDialect
from runs.traces.span_view import SpanView

_CALLS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")
_MODEL_SUFFIXES = (".doGenerate", ".doStream")


def _find_role(span: SpanView) -> SpanRole | None:
    # A function's name follows in `operation.name`, and replaces the name of the span in some versions.
    operation = span.get_text(("ai.operationId",)) or span.name.split(" ")[0]
    if not operation.startswith("ai."):
        return None
    if operation == "ai.toolCall":
        return SpanRole.TOOL
    if operation in _CALLS:
        return SpanRole.AGENT
    is_model_call = operation.startswith(_CALLS) and operation.endswith(_MODEL_SUFFIXES)
    return SpanRole.MODEL if is_model_call else SpanRole.OTHER


def _prompt(span: SpanView) -> Mapping[str, Any]:
    prompt = decode_embedded_json(span.attributes.get("ai.prompt"))
    return prompt if isinstance(prompt, Mapping) else {"prompt": prompt}


def _read_input(span: SpanView) -> list[ChatMessage]:
    messages = parse_chat_messages(span.attributes.get("ai.prompt.messages"), "user")
    prompt = _prompt(span)
    return messages or parse_chat_messages(prompt.get("messages") or prompt.get("prompt"), "user")


def _read_output(span: SpanView) -> list[ChatMessage]:
    calls = decode_embedded_json(span.attributes.get("ai.response.toolCalls"))
    parts = (
        [{"type": "tool_call", **call} for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    text = span.get_text(("ai.response.text", "ai.response.object"))
    if parts:
        return parse_chat_messages({"role": "assistant", "parts": [*([text] if text else []), *parts]}, "assistant")
    return text_message("assistant", text)


def _read_tools(span: SpanView) -> list[Any]:
    tools = span.attributes.get("ai.prompt.tools")
    return [decode_embedded_json(tool) for tool in tools] if isinstance(tools, list) else []


VERCEL = SpanDialect(
    name="Vercel AI SDK",
    find_role=_find_role,
    attributes={
        "agent_name": ("ai.telemetry.functionId", "resource.name"),
        "conversation_id": ("ai.telemetry.metadata.sessionId",),
        "provider": ("ai.model.provider",),
        "request_model": ("ai.model.id",),
        "response_model": ("ai.response.model",),
        "response_id": ("ai.response.id",),
        "finish_reasons": ("ai.response.finishReason",),
        "usage.input": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "usage.output": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "usage.total": ("ai.usage.totalTokens",),
        "usage.cached": ("ai.usage.cachedInputTokens",),
        "usage.reasoning": ("ai.usage.reasoningTokens",),
        "tool.name": ("ai.toolCall.name",),
        "tool.call_id": ("ai.toolCall.id",),
        "tool.arguments": ("ai.toolCall.args",),
        "tool.result": ("ai.toolCall.result",),
    },
    read_input=_read_input,
    read_output=_read_output,
    read_instructions=lambda span: _prompt(span).get("system"),
    read_tools=_read_tools,
    capture_settings={"ai": "experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true }"},
)
