"""Explanations for spans that an instrumentation sent without content."""

from __future__ import annotations

from runs.traces.agent_span import AgentSpan, SpanRole

_ANY_SETTING = (
    "A setting of the instrumentation, such as OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only (or true),"
)
_NOT_CAPTURED = (
    "No content was captured: the instrumentation sent no messages, arguments or results. {} makes it send them."
)


def is_work(span: AgentSpan) -> bool:
    """Return whether a span is of a kind that has content: a model call or the use of a tool."""
    return span.role in (SpanRole.MODEL, SpanRole.TOOL)


def describe_missing_content(capture_setting: str) -> str:
    """Return the sentence that says that no content was captured, and which setting captures it."""
    return _NOT_CAPTURED.format(capture_setting or _ANY_SETTING)
