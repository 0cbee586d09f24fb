"""The attributes of spans: agents, model calls and tool calls by the semantic conventions for generative AI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runs.models import Message, RunSource
from runs.span_export.chat_content import (
    Part,
    build_call_part,
    build_message,
    build_reasoning_part,
    build_result_messages,
    build_text_part,
    build_tool_definitions,
    encode_content,
    encode_message_parts,
)
from runs.span_export.posted_calls import PostedToolCall
from runs.span_export.run_content import ModelCall, TokenCounts, count_tokens, read_reasoning
from runs.span_export.run_mapping import RunMapping

RUN_STATUS_ATTRIBUTE = "gen_ai.thread.run.status"  # as Azure's SDK names it
METADATA_PREFIX = "runglass.metadata."


def build_agent_attributes(mapping: RunMapping) -> dict[str, Any]:
    """Return the attributes of the span of a run."""
    run, instructions = mapping.content.run, mapping.content.run.configuration.instructions
    reason = mapping.finish_reason()
    outputs = [
        build_message(message.role, encode_message_parts(message), reason) for message in mapping.content.outputs
    ]
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": run.assistant_id,
        "gen_ai.agent.name": mapping.content.agent_name,
        "session.id": run.thread_id,
        **_build_request_attributes(mapping),
        "gen_ai.system_instructions": encode_content([build_text_part(instructions)] if instructions else []),
        "gen_ai.tool.definitions": encode_content(build_tool_definitions(mapping.configuration.get("tools"))),
        "gen_ai.input.messages": encode_content(mapping.inputs),
        "gen_ai.output.messages": encode_content(outputs),
        # Phoenix lists runs and sessions by these attributes of OpenInference, and shows messages for each span only.
        "input.value": _join_texts(mapping.content.inputs),
        "output.value": _join_texts(mapping.content.outputs),
        "gen_ai.response.finish_reasons": [reason] if run.ended_at is not None else None,
        **({} if mapping.has_exact_usage else _build_usage_attributes(count_tokens(run))),
        RUN_STATUS_ATTRIBUTE: run.status,
        "runglass.run.id": run.external_id,
        "runglass.source": RunSource(run.source).label,
        **{METADATA_PREFIX + key: value for key, value in _read_metadata(run.metadata).items()},
    }


def build_chat_attributes(mapping: RunMapping, index: int) -> dict[str, Any]:
    """Return the attributes of the span of the model call of that index."""
    call, tool_calls = mapping.calls[index], mapping.tool_calls[index]
    reason = mapping.call_finish_reason(index)
    parts = _build_output_parts(call, tool_calls)
    inputs = build_result_messages(mapping.tool_calls[index - 1]) if index else mapping.inputs
    return {
        "gen_ai.operation.name": "chat",
        **_build_request_attributes(mapping),
        "gen_ai.response.model": None if call.response_id is None else mapping.content.run.model,
        "gen_ai.response.id": call.response_id,
        "gen_ai.response.finish_reasons": [reason],
        **(_build_usage_attributes(mapping.usage[index]) if mapping.has_exact_usage else {}),
        "gen_ai.input.messages": encode_content(inputs),
        "gen_ai.output.messages": encode_content([build_message("assistant", parts, reason)] if parts else []),
    }


def build_tool_attributes(mapping: RunMapping, call: PostedToolCall) -> dict[str, Any]:
    """Return the attributes of the span of a tool call."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": mapping.content.run.thread_id,
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.type": call.tool_type,
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.call.arguments": call.arguments or None,
        "gen_ai.tool.call.result": call.result,
    }


def _join_texts(messages: Iterable[Message]) -> str | None:
    return "\n\n".join(message.text for message in messages if message.text) or None


def _build_request_attributes(mapping: RunMapping) -> dict[str, Any]:
    configuration = mapping.configuration
    return {
        "gen_ai.provider.name": mapping.provider,
        "gen_ai.conversation.id": mapping.content.run.thread_id,
        "gen_ai.request.model": mapping.content.run.model,
        "gen_ai.request.temperature": configuration.get("temperature"),
        "gen_ai.request.top_p": configuration.get("top_p"),
        "gen_ai.request.max_tokens": configuration.get("max_completion_tokens"),
    }


def _build_usage_attributes(counts: TokenCounts) -> dict[str, Any]:
    sum_of_parts = (counts.prompt or 0) + (counts.completion or 0)
    return {
        "gen_ai.usage.input_tokens": counts.prompt,
        "gen_ai.usage.output_tokens": counts.completion,
        "gen_ai.usage.total_tokens": None if counts.total == sum_of_parts else counts.total,
        "gen_ai.usage.cache_read.input_tokens": counts.cached,
        "gen_ai.usage.reasoning.output_tokens": counts.reasoning,
    }


def _build_output_parts(call: ModelCall, tool_calls: list[PostedToolCall]) -> list[Part]:
    return [
        *(build_reasoning_part(text) for step in call.steps for text in read_reasoning(step)),
        *(part for message in call.messages for part in encode_message_parts(message)),
        *(build_call_part(tool_call) for tool_call in tool_calls),
    ]


def _read_metadata(metadata: Any) -> dict[str, Any]:
    return metadata if isinstance(metadata, dict) else {}
