"""The steps of a run: what models wrote, the tools that they called, and the agents that worked inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runs.traces.agent_span import AgentSpan, SpanError, SpanRole
from runs.traces.chat_messages import ChatPart
from runs.traces.conversation import TraceConversation
from runs.traces.nesting import SpanNesting
from runs.traces.span_times import to_seconds
from runs.traces.tool_matching import ToolSpans, get_tool

# Steps of one second are ordered by their ids, which begin with the nanoseconds.
_TIME_DIGITS = 19
_STEP_ID_PARTS = 5  # such as step_1764547200000000000_00f067aa0ba902b7_2_tools


def build_run_steps(
    model_calls: Sequence[AgentSpan],
    spans: Sequence[AgentSpan],
    root: AgentSpan | None,
    nesting: SpanNesting,
    conversation: TraceConversation,
) -> list[dict[str, Any]]:
    """Return the steps, without the ids of what they belong to."""
    tools, results = ToolSpans(spans, nesting), _find_results(model_calls)
    calls = [(model_call, part) for model_call in model_calls for part in _find_tool_calls(model_call)]
    executions: dict[str, list[tuple[ChatPart, AgentSpan | None]]] = {}
    for (model_call, part), span in zip(calls, tools.claim_all(calls), strict=True):
        executions.setdefault(model_call.span_id, []).append((part, span))

    steps = []
    for model_call in model_calls:
        made = executions.get(model_call.span_id, [])
        message_id = conversation.message_ids.get(model_call.span_id)
        is_untold = model_call.role.is_agent and not model_call.usage
        if message_id is not None or not (made or is_untold):
            steps.append(_build_message_step(model_call, message_id))
        if made:
            usage = {} if message_id is not None else {"usage": model_call.usage.as_json()}
            steps.append(_build_tools_step(model_call, made, results) | usage)
    steps += [_build_execution_step(span) for span in tools.remaining()]
    steps += [_build_agent_step(span) for span in spans if span.role is SpanRole.AGENT and span is not root]
    return sorted(steps, key=lambda step: str(step["id"]))


def find_step_span_id(step_id: str) -> str | None:
    """Return the id of the span that the id of a derived step contains, None for other steps."""
    parts = step_id.split("_")
    return parts[2] if len(parts) == _STEP_ID_PARTS and len(parts[1]) == _TIME_DIGITS else None


def _find_tool_calls(model_call: AgentSpan) -> Iterable[ChatPart]:
    return (part for message in model_call.output_messages for part in message.tool_calls)


def _build_message_step(model_call: AgentSpan, message_id: str | None) -> dict[str, Any]:
    creation = {"message_id": message_id or f"msg_{model_call.span_id}"}
    return {
        **_build_base(model_call, "1_message", model_call.started_ns, model_call.ended_ns, model_call.error),
        "type": "message_creation",
        "step_details": {"type": "message_creation", "message_creation": creation},
        "usage": model_call.usage.as_json(),
    }


def _find_results(model_calls: Iterable[AgentSpan]) -> dict[str, str]:
    """Return the outputs of tools, by the id of the call, that model calls got: for tools without a span."""
    messages = (message for model_call in model_calls for message in model_call.input_messages)
    parts = (part for message in messages for part in message.parts if part.kind == "tool_result")
    return {part.call_id: part.text for part in parts if part.call_id is not None}


def _build_tools_step(
    model_call: AgentSpan, made: list[tuple[ChatPart, AgentSpan | None]], results: dict[str, str]
) -> dict[str, Any]:
    executed = [span for _, span in made if span is not None]
    error = next((span.error for span in executed if span.error is not None), None)
    ended_ns = max((span.ended_ns for span in executed), default=model_call.ended_ns)
    calls = [
        _describe_call(part, span, f"{model_call.span_id}:{n}", results.get(part.call_id or ""))
        for n, (part, span) in enumerate(made)
    ]
    return _build_base(model_call, "2_tools", model_call.ended_ns, ended_ns, error) | _tool_calls(calls)


def _build_execution_step(span: AgentSpan) -> dict[str, Any]:
    """Return the step of a tool that no captured model call asked for."""
    tool = get_tool(span)
    part = ChatPart("tool_call", tool.arguments or "", tool.call_id, tool.name)
    calls = [_describe_call(part, span, span.span_id)]
    return _build_base(span, "2_tool", span.started_ns, span.ended_ns, span.error) | _tool_calls(calls)


def _build_agent_step(span: AgentSpan) -> dict[str, Any]:
    """Return the step of an agent inside a run: a nested one, or one that took over."""
    call = {"id": span.span_id, "type": "agent", "name": span.agent_name or span.agent_id or span.name}
    return _build_base(span, "0_agent", span.started_ns, span.ended_ns, span.error) | _tool_calls([call])


def _tool_calls(calls: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "tool_calls", "step_details": {"type": "tool_calls", "tool_calls": calls}}


def _describe_call(
    part: ChatPart, span: AgentSpan | None, default_id: str, result: str | None = None
) -> dict[str, Any]:
    tool = get_tool(span) if span is not None else None
    arguments = part.text or (tool.arguments if tool is not None else None) or ""
    return {
        "id": part.call_id or (tool.call_id if tool is not None else None) or default_id,
        "type": "function",
        "function": {
            "name": part.name or (tool.name if tool is not None else ""),
            "arguments": arguments,
            "output": result if tool is None or tool.result is None else tool.result,
        },
    }


def _build_base(
    span: AgentSpan, suffix: str, started_ns: int, ended_ns: int, error: SpanError | None
) -> dict[str, Any]:
    status = "completed" if error is None else "failed"
    return {
        "id": f"step_{started_ns:0{_TIME_DIGITS}d}_{span.span_id}_{suffix}",
        "object": "thread.run.step",
        "created_at": to_seconds(started_ns),
        "status": status,
        f"{status}_at": to_seconds(ended_ns) or None,
        "last_error": None if error is None else {"code": error.code, "message": error.message},
        "span_id": span.span_id,
        "started_at_ns": str(started_ns),
        "ended_at_ns": str(ended_ns),
    }
