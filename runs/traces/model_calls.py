"""The model calls of a run: spans of several instrumentations about one call are one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs

from runs.traces.agent_span import AgentSpan, SpanRole, TokenUsage
from runs.traces.nesting import SpanNesting

# What one span tells of a call and another does not.
_COMPLETED_FIELDS = (
    *("request_model", "response_model", "response_id", "finish_reasons", "error", "instructions", "tools"),
    *("input_messages", "output_messages", "settings", "conversation_id", "provider"),
)


def collect_model_calls(spans: Iterable[AgentSpan], nesting: SpanNesting) -> list[AgentSpan]:
    """Return the model calls among the spans of a run, in order of time, each with all that its spans tell.

    A span below another one is about the same call, unless a tool or an agent lies between them: `call_llm` >
    `generate_content` > `openai.chat`. So are spans with the same id of a response.
    """
    inner: dict[str, list[AgentSpan]] = {}
    outer: list[AgentSpan] = []
    for span in sorted((span for span in spans if span.role is SpanRole.MODEL), key=start_order):
        holder = nesting.find_holder(span)
        if holder is None or holder.role is not SpanRole.MODEL:
            outer.append(span)
        else:
            inner.setdefault(holder.span_id, []).append(span)
    calls = [_merge_nest(span, inner) for span in outer]
    return _merge_same_responses(calls)


def start_order(span: AgentSpan) -> tuple[int, str]:
    """Return the key that sorts spans by time."""
    return span.started_ns, span.span_id


def sum_call_usage(calls: Iterable[AgentSpan]) -> TokenUsage:
    """Return the usage of all calls."""
    return sum((call.usage for call in calls), TokenUsage())


def _merge_nest(span: AgentSpan, inner: dict[str, list[AgentSpan]]) -> AgentSpan:
    """Return the outermost span, completed by the others. Nests of any depth are merged without recursion."""
    order, waiting = [], [span]
    while waiting:
        current = waiting.pop()
        order.append(current)
        waiting += inner.get(current.span_id, [])
    merged: dict[str, AgentSpan] = {}
    for current in reversed(order):  # the inner ones first
        parts = [merged[child.span_id] for child in inner.get(current.span_id, [])]
        merged[current.span_id] = _complete(current, parts)
    return merged[span.span_id]


def _complete(span: AgentSpan, others: Sequence[AgentSpan]) -> AgentSpan:
    """Fill what `span` does not tell from the others. Their usages add up: they may be several attempts."""
    changes: dict[str, Any] = {}
    for name in _COMPLETED_FIELDS:
        if not getattr(span, name):
            value = next((value for other in others if (value := getattr(other, name))), None)
            if value:
                changes[name] = value
    if not span.usage:
        changes["usage"] = sum_call_usage(others)
    return structs.replace(span, **changes) if others else span


def _merge_same_responses(calls: Sequence[AgentSpan]) -> list[AgentSpan]:
    by_response: dict[str, list[AgentSpan]] = {}
    for call in calls:
        by_response.setdefault(call.response_id or f"span {call.span_id}", []).append(call)
    return [_complete_by_copy(same) for same in by_response.values()]


def _complete_by_copy(same: Sequence[AgentSpan]) -> AgentSpan:
    """Return the first span about a response, completed by the others, of which none counts twice."""
    first, *others = same
    for other in others:
        first = _complete(first, [other])
    return first
