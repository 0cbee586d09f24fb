"""The semantic conventions of OpenTelemetry for generative AI, in all their versions up to 1.44.

https://github.com/open-telemetry/semantic-conventions-genai. Instrumentations by OpenTelemetry, Microsoft (Agent
Framework, Semantic Kernel, Azure AI), AutoGen, Strands, Pydantic AI and version 7 of Vercel's AI SDK follow them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, parse_chat_messages, text_message
from runs.traces.dialects.dialect import SpanDialect
from runs.traces.span_view import SpanEvent, SpanView

OPERATION = ("gen_ai.operation.name",)
_ROLES = {
    "chat": SpanRole.MODEL,
    "text_completion": SpanRole.MODEL,
    "generate_content": SpanRole.MODEL,
    "invoke_agent": SpanRole.AGENT,
    "invoke_workflow": SpanRole.WORKFLOW,
    "execute_tool": SpanRole.TOOL,
    # azure-ai-agents: a run of the Assistants protocol
    "process_thread_run": SpanRole.AGENT,
}
_DETAILS = "gen_ai.client.inference.operation.details"
# up to 1.36, an event per message
_MESSAGE_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"
# up to 1.27, an event with the texts
_PROMPT_EVENT, _COMPLETION_EVENT = "gen_ai.content.prompt", "gen_ai.content.completion"
# The variable takes other values in each language, and ignores those of the others.
_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_PYTHON_SETTING = (
    f"{_VARIABLE}=span_only (true in versions before 2026) and OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental"
)
_AZURE_SETTING = "AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true (Agent Framework: ENABLE_SENSITIVE_DATA=true)"
_CAPTURE_SETTINGS = {
    "opentelemetry.instrumentation.genai": _PYTHON_SETTING,
    "opentelemetry.instrumentation.openai_v2": _PYTHON_SETTING,
    "opentelemetry.util.genai": _PYTHON_SETTING,
    "@opentelemetry/instrumentation-": f"{_VARIABLE}=true",
    "io.opentelemetry.": f"{_VARIABLE}=true",
    "Experimental.Microsoft.": f"{_VARIABLE}=true (in code: EnableSensitiveData = true)",
    **dict.fromkeys(("azure.ai", "Azure.AI", "agent_framework", "Microsoft.", "semantic_kernel"), _AZURE_SETTING),
}
EVENT_NAMES = frozenset({_DETAILS, _CHOICE, _PROMPT_EVENT, _COMPLETION_EVENT, *_MESSAGE_ROLES})


def _find_role(span: SpanView) -> SpanRole | None:
    operation = span.get_text(OPERATION)
    if operation is not None:
        return _ROLES.get(operation, SpanRole.OTHER)
    return SpanRole.MODEL if any(event.name == _CHOICE for event in span.events) else None


def _read_input(span: SpanView) -> list[ChatMessage]:
    for attributes in _content_holders(span):
        if messages := parse_chat_messages(attributes.get("gen_ai.input.messages"), "user"):
            return messages
    prompts = [event.attributes.get("gen_ai.prompt") for event in span.events if event.name == _PROMPT_EVENT]
    if prompts:
        return [message for prompt in prompts for message in parse_chat_messages(prompt, "user")]
    return _split_events(span)[0]


def _read_output(span: SpanView) -> list[ChatMessage]:
    for attributes in _content_holders(span):
        if messages := parse_chat_messages(attributes.get("gen_ai.output.messages"), "assistant"):
            return messages
    completions = [
        event.attributes.get("gen_ai.completion") for event in span.events if event.name == _COMPLETION_EVENT
    ]
    if completions:
        return [message for completion in completions for message in parse_chat_messages(completion, "assistant")]
    return _split_events(span)[1]


def _split_events(span: SpanView) -> tuple[list[ChatMessage], list[ChatMessage]]:
    """Return the messages in events that the model got, and those that it wrote.

    Where no event is a choice, these are the last messages of the assistant; of an agent, all since the last input.
    """
    events = list(message_events(span))
    got = [message for name, body in events if name in _MESSAGE_ROLES for message in _parse(name, body)]
    if written := [message for name, body in events if name == _CHOICE for message in _parse(name, body)]:
        return got, written
    is_agent = _ROLES.get(str(span.attributes.get(OPERATION[0])), SpanRole.OTHER).is_agent
    got_roles = ("system", "user") if is_agent else ("system", "user", "tool")
    split = max((index + 1 for index, message in enumerate(got) if message.role in got_roles), default=0)
    written = [message for message in got[split:] if message.role == "assistant"]
    return [message for message in got if message not in written], written


def _read_instructions(span: SpanView) -> str | None:
    for attributes in _content_holders(span):
        messages = parse_chat_messages(attributes.get("gen_ai.system_instructions"), "system")
        if text := "\n\n".join(message.text for message in messages):
            return text
    return None


def _read_tools(span: SpanView) -> list[Any]:
    for attributes in _content_holders(span):
        tools = decode_embedded_json(attributes.get("gen_ai.tool.definitions"))
        if isinstance(tools, list) and tools:
            return tools
    return []


def _content_holders(span: SpanView) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of the span, and those of the event that may hold its contents instead."""
    yield span.attributes
    for event in span.events:
        if event.name == _DETAILS:
            yield event.attributes
            if isinstance(event.body, Mapping):
                yield event.body


def message_events(span: SpanView) -> Iterator[tuple[str, Any]]:
    """Yield the name and the content of the events that are messages, and of those in the attribute `events`."""
    for event in span.events:
        if event.name in _MESSAGE_ROLES or event.name == _CHOICE:
            yield event.name, _event_content(event)
    listed = decode_embedded_json(span.attributes.get("events"))
    for body in listed if isinstance(listed, list) else []:
        if isinstance(body, Mapping) and isinstance(body.get("event.name"), str):
            yield body["event.name"], body


def _event_content(event: SpanEvent) -> Any:
    if event.body is not None:
        return event.body
    content = decode_embedded_json(event.attributes.get("gen_ai.event.content"))
    return event.attributes if content is None else content


def _parse(name: str, body: Any) -> list[ChatMessage]:
    body = decode_embedded_json(body)
    role = _MESSAGE_ROLES.get(name, "assistant")
    if not isinstance(body, Mapping):
        return text_message(role, body)
    message = decode_embedded_json(body.get("message", body))
    if isinstance(message, Mapping):
        message = {"role": role, **message}
    return parse_chat_messages(message, role)


SEMCONV = SpanDialect(
    name="OpenTelemetry",
    find_role=_find_role,
    attributes={
        "agent_id": ("gen_ai.agent.id",),
        "agent_name": ("gen_ai.agent.name",),
        "workflow_name": ("gen_ai.workflow.name",),
        "agent_version": ("gen_ai.agent.version",),
        "conversation_id": ("gen_ai.conversation.id", "session.id", "gen_ai.thread.id"),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "request_model": ("gen_ai.request.model",),
        "response_model": ("gen_ai.response.model",),
        "response_id": ("gen_ai.response.id",),
        "finish_reasons": ("gen_ai.response.finish_reasons",),
        "run_status": ("gen_ai.thread.run.status",),
        "usage.input": (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.aggregated_usage.input_tokens",
        ),
        "usage.output": (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.aggregated_usage.output_tokens",
        ),
        "usage.total": ("gen_ai.usage.total_tokens",),
        "usage.cached": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        "usage.cache_write": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        "usage.reasoning": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        "tool.name": ("gen_ai.tool.name",),
        "tool.call_id": ("gen_ai.tool.call.id",),
        "tool.arguments": ("gen_ai.tool.call.arguments",),
        "tool.result": ("gen_ai.tool.call.result",),
        "settings.temperature": ("gen_ai.request.temperature",),
        "settings.top_p": ("gen_ai.request.top_p",),
        "settings.max_completion_tokens": ("gen_ai.request.max_tokens",),
    },
    read_input=_read_input,
    read_output=_read_output,
    read_instructions=_read_instructions,
    read_tools=_read_tools,
    capture_settings=_CAPTURE_SETTINGS,
)
