"""Build the `thread.run` of a run's spans, with its steps and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from runs.analytics.linked_runs import RESPONSE_IDS_MEMBER, TRACE_MEMBER
from runs.derivation import DerivedRun
from runs.protocol.identifiers import MAX_ID_LENGTH
from runs.protocol.lossless_json import encode_json
from runs.protocol.run import ACTIVE_RUN_STATUSES, RUN_END_TIMESTAMPS
from runs.traces.agent_span import AgentSpan, SpanError, TokenUsage
from runs.traces.captured_content import describe_missing_content, is_work
from runs.traces.conversation import build_conversation
from runs.traces.model_calls import collect_model_calls, start_order, sum_call_usage
from runs.traces.nesting import SpanNesting
from runs.traces.run_ownership import OwnedSpans
from runs.traces.run_steps import build_run_steps
from runs.traces.span_times import to_seconds

DEFAULT_ASSISTANT = "otel"

_FORBIDDEN_IN_IDS = re.compile(r"[/\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]")
_LENGTH_REASON = "max_completion_tokens"
_LENGTH_REASONS = frozenset({"length", "max_tokens", "max_output_tokens"})
# Statuses that can be told only by their name: completed runs and failed ones are told by the status of their span.
_STATED_STATUSES = frozenset({*RUN_END_TIMESTAMPS, *ACTIVE_RUN_STATUSES, "cancelling"} - {"completed", "failed"})


def make_trace_run_id(trace_id: str, root: AgentSpan | None) -> str:
    """Return the id of the run with that root; without one, of the run of all that has no root."""
    return f"trace_{trace_id}" if root is None else f"trace_{trace_id}_{root.span_id}"


def build_derived_run(trace_id: str, owned: OwnedSpans, nesting: SpanNesting, *, is_waiting: bool) -> DerivedRun:
    """Return the run of `owned`, in progress if it `is_waiting` for spans that hold it."""
    root, spans = owned.root, sorted(owned.spans, key=start_order)
    model_calls = collect_model_calls(spans, nesting)
    # An agent without spans of its model calls tells of them itself.
    callers = model_calls or ([root] if root is not None else [])
    run_id = make_trace_run_id(trace_id, root)
    thread_id = make_identifier(_first(span.conversation_id for span in _root_first(root, spans)), trace_id)
    assistant_id = make_identifier(_find_assistant(root, spans), DEFAULT_ASSISTANT)
    references = {"run_id": run_id, "thread_id": thread_id, "assistant_id": assistant_id}
    conversation = build_conversation(root, callers, nesting)
    started_ns, ended_ns = _find_times(root, spans)
    run = {
        "id": run_id,
        "object": "thread.run",
        "created_at": to_seconds(started_ns),
        "started_at": to_seconds(started_ns) or None,
        "thread_id": thread_id,
        "assistant_id": assistant_id,
        **_build_outcome(root, model_calls, ended_ns, is_waiting=is_waiting),
        **_build_configuration([*([root] if root is not None else []), *model_calls]),
        **_build_agent_version(root, spans),
        "usage": _find_usage(root, model_calls, spans, nesting).as_json(),
        "metadata": _build_metadata(spans),
        TRACE_MEMBER: _describe_trace(trace_id, root, spans, callers, (started_ns, ended_ns)),
    }
    steps = build_run_steps(callers, spans, root, nesting, conversation)
    return DerivedRun(
        run,
        [step | references for step in steps],
        [message | references for message in conversation.build_messages(to_seconds(started_ns))],
    )


def make_identifier(text: str | None, default: str) -> str:
    """Return `text` as an id (see `runs.protocol.identifiers`): what ids can't contain becomes an underscore."""
    cleaned = _FORBIDDEN_IN_IDS.sub("_", text or "").strip()[:MAX_ID_LENGTH].strip()
    return default if cleaned in ("", ".", "..") else cleaned


def _root_first(root: AgentSpan | None, spans: Iterable[AgentSpan]) -> list[AgentSpan]:
    return [*([root] if root is not None else []), *spans]


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _find_assistant(root: AgentSpan | None, spans: list[AgentSpan]) -> str | None:
    """Return the agent's id or name: the root's, or of the first agent in it; else the name of the service or span."""
    agents = [span for span in _root_first(root, spans) if span.role.is_agent]
    names = [name for agent in agents for name in (agent.agent_id, agent.agent_name)]
    return _first([*names, *(span.service for span in spans), None if root is None else root.name])


def _find_times(root: AgentSpan | None, spans: list[AgentSpan]) -> tuple[int, int]:
    """Return the start and the end in nanoseconds: the root's, else those of the spans."""
    timed = [root] if root is not None and root.started_ns else [span for span in spans if span.started_ns]
    return min((span.started_ns for span in timed), default=0), max((span.ended_ns for span in timed), default=0)


def _build_outcome(
    root: AgentSpan | None, model_calls: list[AgentSpan], ended_ns: int, *, is_waiting: bool
) -> dict[str, Any]:
    if is_waiting:
        return {"status": "in_progress"}
    if root is not None and root.run_status in _STATED_STATUSES:
        return _build_stated_outcome(root, root.run_status, ended_ns)
    last = max(model_calls, key=lambda call: call.ended_ns, default=None)
    decisive = last if root is None else root
    error = None if decisive is None else decisive.error
    ended_at = to_seconds(ended_ns) or None
    if error is not None:
        return {"status": "failed", "failed_at": ended_at, "last_error": _describe_error(error)}
    reasons = {reason.lower() for reason in last.finish_reasons[-1:]} if last else set()
    if reasons & _LENGTH_REASONS:
        details = {"reason": _LENGTH_REASON}
        return {"status": "incomplete", "completed_at": ended_at, "incomplete_details": details}
    return {"status": "completed", "completed_at": ended_at}


def _build_stated_outcome(root: AgentSpan, status: str, ended_ns: int) -> dict[str, Any]:
    """Return an outcome that the span of a run of the Assistants protocol states, and no other attribute tells."""
    outcome: dict[str, Any] = {"status": status}
    if status in RUN_END_TIMESTAMPS:
        name = RUN_END_TIMESTAMPS[status][0]
        outcome[name if name != "expires_at" else "completed_at"] = to_seconds(ended_ns) or None
    if root.error is not None and root.error.code != status:
        outcome["last_error"] = _describe_error(root.error)
    if status == "incomplete" and root.finish_reasons:
        reason = root.finish_reasons[-1]
        outcome["incomplete_details"] = {"reason": _LENGTH_REASON if reason in _LENGTH_REASONS else reason}
    return outcome


def _describe_error(error: SpanError) -> dict[str, str]:
    return {"code": error.code, "message": error.message}


def _build_configuration(callers: list[AgentSpan]) -> dict[str, Any]:
    """Return what the last of `callers` that tells it was configured with."""
    newest_first = callers[::-1]
    model = _first(name for call in newest_first for name in (call.response_model, call.request_model))
    configuration: dict[str, Any] = {
        "model": model,
        "instructions": _first(_find_instructions(call) for call in newest_first),
        "tools": _collect_tools(newest_first),
    }
    settings = next((call.settings for call in newest_first if call.settings), {})
    maximum = settings.get("max_completion_tokens")
    if maximum is not None:
        settings = settings | {"max_completion_tokens": int(maximum)}
    return configuration | settings


def _build_agent_version(root: AgentSpan | None, spans: list[AgentSpan]) -> dict[str, str]:
    """Return the version of the agent that the run is of, if it is told."""
    agent = next((span for span in _root_first(root, spans) if span.agent_id or span.agent_name), None)
    return {"agent_version": agent.agent_version} if agent is not None and agent.agent_version else {}


def _collect_tools(newest_first: Iterable[AgentSpan]) -> list[dict[str, Any]]:
    """Return the tools of all calls, each once, as the newest call defines it.

    Agents that hand over to each other have tools of their own, and a call is checked against all tools of its run.
    """
    tools: dict[tuple[Any, str], dict[str, Any]] = {}
    for call in newest_first:
        for tool in call.tools:
            function = tool.get("function")
            name = function.get("name") if isinstance(function, dict) else None
            tools.setdefault((tool.get("type"), name if isinstance(name, str) else encode_json(tool).decode()), tool)
    return list(tools.values())


def _find_instructions(call: AgentSpan) -> str | None:
    if call.instructions:
        return call.instructions
    texts = (message.text for message in call.input_messages if message.role == "system")
    return "\n\n".join(text for text in texts if text) or None


def _find_usage(
    root: AgentSpan | None, model_calls: list[AgentSpan], spans: list[AgentSpan], nesting: SpanNesting
) -> TokenUsage:
    """Return the sum of the model calls; if none reports its usage, what the agents report, the outer ones first."""
    usage = sum_call_usage(model_calls)
    if usage or root is None:
        return usage
    reporters = (span for span in spans if span.role.is_agent and span.usage)
    return sum_call_usage(agent for agent in reporters if not nesting.is_below_reporter(agent))


def _build_metadata(spans: list[AgentSpan]) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for span in spans:
        metadata |= {name: value for name, value in span.metadata.items() if name not in metadata}
    return metadata


def _describe_trace(
    trace_id: str, root: AgentSpan | None, spans: list[AgentSpan], callers: list[AgentSpan], times: tuple[int, int]
) -> dict[str, Any]:
    """Return what columns can't hold: ids, exact times, and whether contents were captured."""
    description: dict[str, Any] = {"trace_id": trace_id, "root_span_id": None if root is None else root.span_id}
    description |= {"started_at_ns": str(times[0]), "ended_at_ns": str(times[1])}
    if response_ids := [call.response_id for call in callers if call.response_id]:
        description[RESPONSE_IDS_MEMBER] = response_ids
    if provider := _first(call.provider for call in callers):
        description["provider"] = provider
    if any(map(is_work, spans)) and not any(span.has_content for span in spans):
        setting = _first(span.capture_setting for span in spans) or ""
        description["content_not_captured"] = describe_missing_content(setting)
    return description
