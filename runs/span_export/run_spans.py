"""Map a run to spans: its agent, its model calls, its tool calls. A pure function."""

from __future__ import annotations

import msgspec

from runs import __version__
from runs.models import Run, RunStep
from runs.protocol.otlp.attributes import encode_attributes
from runs.protocol.otlp.export_requests import RecordOrigin
from runs.protocol.otlp.outgoing_requests import OutgoingSpan
from runs.span_export.posted_calls import FUNCTION_TOOL, PostedToolCall, read_posted_calls
from runs.span_export.run_content import ModelCall, RunContent, list_other_steps
from runs.span_export.run_mapping import RunMapping
from runs.span_export.span_attributes import build_agent_attributes, build_chat_attributes, build_tool_attributes
from runs.span_export.span_builder import RunSpanBuilder, SpanFailure, SpanKind

SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
SERVICE_NAME = "runglass"

_FAILED_STATUSES = (Run.Status.FAILED, Run.Status.EXPIRED)


def build_run_spans(content: RunContent) -> list[OutgoingSpan]:
    """Return the spans of a run, its agent first."""
    mapping, builder = RunMapping(content), RunSpanBuilder(content.run.external_id)
    _add_agent(builder, mapping)
    for index, call in enumerate(mapping.calls):
        _add_model_call(builder, mapping, index)
        for step in call.steps:
            for n, tool_call in enumerate(read_posted_calls(step.external_id, step.details)):
                _add_tool_call(builder, mapping, index, step, n, tool_call)
    for step in list_other_steps(content):
        _add_other_step(builder, step)
    origin = build_run_origin(content.project_slug)
    return [OutgoingSpan(origin, body) for body in builder.spans]


def build_run_origin(project_slug: str) -> RecordOrigin:
    """Return the resource and the scope of the spans of mapped runs."""
    resource = {"attributes": encode_attributes({"service.name": SERVICE_NAME, "runglass.project": project_slug})}
    scope = {"name": SERVICE_NAME, "version": __version__}
    return RecordOrigin(msgspec.json.encode(resource), msgspec.json.encode(scope), SCHEMA_URL, SCHEMA_URL)


def _add_agent(builder: RunSpanBuilder, mapping: RunMapping) -> None:
    run = mapping.content.run
    has_failed = run.status in _FAILED_STATUSES or run.error_code is not None or run.error_message is not None
    default_code = None if run.status == Run.Status.FAILED else run.status
    failure = SpanFailure(run.error_code or default_code, run.error_message) if has_failed else None
    name = f"invoke_agent {mapping.content.agent_name}"
    builder.add(name, build_agent_attributes(mapping), mapping.run_times(), failure=failure)


def _add_model_call(builder: RunSpanBuilder, mapping: RunMapping, index: int) -> None:
    call, model = mapping.calls[index], mapping.content.run.model
    builder.add(
        f"chat {model}" if model else "chat",
        build_chat_attributes(mapping, index),
        mapping.call_times(index),
        *("chat", _find_call_id(call)),
        kind=SpanKind.CLIENT,
        failure=_find_model_failure(call),
    )


def _add_tool_call(
    builder: RunSpanBuilder, mapping: RunMapping, index: int, step: RunStep, n: int, call: PostedToolCall
) -> None:
    times = (step.created_at, step.ended_at)
    if mapping.calls[index].response_id is not None and call.tool_type == FUNCTION_TOOL:
        # The step has the times of its response. The client ran the tool after it, and before the next response.
        _, ended = mapping.call_times(index)
        times = (ended, None if mapping.is_last(index) else mapping.call_times(index + 1)[0])
    builder.add(
        f"execute_tool {call.name}",
        build_tool_attributes(mapping, call),
        times,
        *("tool", step.external_id, str(n)),
        failure=_find_failure(step),
    )


def _add_other_step(builder: RunSpanBuilder, step: RunStep) -> None:
    attributes = {"runglass.step.type": step.type, "runglass.step.id": step.external_id}
    times = (step.created_at, step.ended_at)
    builder.add(step.type, attributes, times, "step", step.external_id, failure=_find_failure(step))


def _find_call_id(call: ModelCall) -> str:
    """Return what identifies a model call in its run."""
    return call.response_id or (call.steps[0].external_id if call.steps else call.messages[0].external_id)


def _find_model_failure(call: ModelCall) -> SpanFailure | None:
    """Return why a model call failed. A tool that failed is no failure of the model."""
    failures = (_find_failure(step) for step in call.steps if step.type != "tool_calls")
    return next((failure for failure in failures if failure is not None), None)


def _find_failure(step: RunStep) -> SpanFailure | None:
    return SpanFailure(step.error_code, step.error_message) if step.is_failed else None
