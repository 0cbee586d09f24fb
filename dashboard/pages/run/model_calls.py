"""The model calls of a run side by side: each with what it newly got, what it wrote, its tokens and duration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from dashboard.pages.run.timeline.section import Timeline
from dashboard.pages.run.timeline.span_source import SpanSource
from dashboard.ui import formats
from dashboard.ui.chat_parts import show_messages
from dashboard.ui.shown_messages import ShownMessages
from runs.models import Run, RunSource
from runs.protocol.responses.items import Item
from runs.responses.rederivation import load_turn_responses
from runs.responses.turn_response import TurnResponse
from runs.responses.turn_usage import convert_usage
from runs.traces.agent_span import AgentSpan
from runs.traces.chat_messages import ChatMessage, ChatPart, parse_chat_messages

MAX_MODEL_CALLS = 12  # side by side; more are in the timeline


@dataclass(frozen=True, slots=True)
class ShownModelCall:
    """A model call. `repeated_count` is the number of messages that it got as the call before did."""

    label: str
    model: str
    duration: str
    input_tokens: int | None
    output_tokens: int | None
    ending: str
    repeated_count: int
    input: ShownMessages
    output: ShownMessages


@dataclass
class ModelCallsSection:
    """The model calls of a run of responses or of a trace. They are read when the section is opened."""

    run: Run
    timeline: Timeline
    is_loaded: bool
    limit = MAX_MODEL_CALLS

    @property
    def is_shown(self) -> bool:
        """Return whether the source of the run tells of model calls."""
        return self.run.source in (RunSource.OTEL, RunSource.RESPONSES)

    @cached_property
    def calls(self) -> list[ShownModelCall]:
        """The first calls, in their order."""
        if self.run.source == RunSource.RESPONSES:
            responses = load_turn_responses(self.run.project, self.run.external_id, MAX_MODEL_CALLS)
            return [_show_response(response) for response in responses]
        return _show_spans(self._model_spans)

    @cached_property
    def _model_spans(self) -> list[AgentSpan]:
        source = self.timeline.source
        spans = source if isinstance(source, SpanSource) else self.timeline.build_span_source()
        return [] if spans is None else spans.read_model_calls(MAX_MODEL_CALLS)


def _show_response(response: TurnResponse) -> ShownModelCall:
    usage = convert_usage(response.members.get("usage")) or {}
    seconds = None if response.completed_at is None else response.completed_at - response.created_at
    return ShownModelCall(
        label=response.id,
        model=str(response.members.get("model") or ""),
        duration=formats.format_duration(None if seconds is None or seconds < 0 else seconds * 1000),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        ending=response.status or "",
        repeated_count=0,
        input=show_messages(_to_messages(response.new_input, "user")),
        output=show_messages(_to_messages(response.output, "assistant")),
    )


def _to_messages(items: Sequence[Item], role: str) -> list[ChatMessage]:
    """Return items as messages. Those that are neither text nor calls of functions are named by their type."""
    messages: list[ChatMessage] = []
    for item in items:
        parsed = parse_chat_messages(dict(item), role)
        messages += parsed or [ChatMessage(role, (ChatPart("other", item["type"].replace("_", " ")),))]
    return messages


def _show_spans(spans: Sequence[AgentSpan]) -> list[ShownModelCall]:
    shown: list[ShownModelCall] = []
    known: Sequence[ChatMessage] = ()
    for span in spans:
        pairs = zip(span.input_messages, known, strict=False)
        repeated = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        shown.append(_show_span(span, repeated))
        known = span.input_messages
    return shown


def _show_span(span: AgentSpan, repeated: int) -> ShownModelCall:
    usage = span.usage.as_json() or {}
    passed = (span.ended_ns - span.started_ns) // 1_000_000 if span.started_ns and span.ended_ns else None
    return ShownModelCall(
        label=span.name,
        model=span.response_model or span.request_model or "",
        duration=formats.format_duration(passed, precise=True),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        ending=span.error.code if span.error else ", ".join(span.finish_reasons),
        repeated_count=repeated,
        input=show_messages(span.input_messages[repeated:]),
        output=show_messages(span.output_messages),
    )
