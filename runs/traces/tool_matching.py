"""Find the span in which a tool was executed for each call that a model made."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from runs.traces.agent_span import AgentSpan, SpanRole, ToolUse
from runs.traces.chat_messages import ChatPart
from runs.traces.model_calls import start_order
from runs.traces.nesting import SpanNesting


class ToolSpans:
    """The executions of tools in a run that no call has claimed yet."""

    def __init__(self, spans: Iterable[AgentSpan], nesting: SpanNesting) -> None:
        """Take the tool spans among the spans of a run. One below a span of the same tool is a copy of it."""
        tools = (span for span in spans if span.role is SpanRole.TOOL and not _is_copy(span, nesting))
        self._unclaimed = {span.span_id: span for span in sorted(tools, key=start_order)}
        self._by_call_id: dict[str, str] = {}
        self._by_name: dict[str, deque[str]] = defaultdict(deque)
        for span in self._unclaimed.values():
            tool = get_tool(span)
            if tool.call_id is not None:
                self._by_call_id.setdefault(tool.call_id, span.span_id)
            self._by_name[tool.name].append(span.span_id)

    def claim_all(self, calls: Sequence[tuple[AgentSpan, ChatPart]]) -> list[AgentSpan | None]:
        """Return the span of each call, given with the model call that made it: by its id, else by name and order."""
        found = [self._claim(self._by_call_id.get(part.call_id or "")) for _, part in calls]
        return [
            span or self._claim_by_name(model_call, part) for span, (model_call, part) in zip(found, calls, strict=True)
        ]

    def remaining(self) -> list[AgentSpan]:
        """Return the executions that no call has claimed, in order of time."""
        return list(self._unclaimed.values())

    def _claim(self, span_id: str | None) -> AgentSpan | None:
        return None if span_id is None else self._unclaimed.pop(span_id, None)

    def _claim_by_name(self, model_call: AgentSpan, part: ChatPart) -> AgentSpan | None:
        waiting = self._by_name.get(part.name or "", deque())
        while waiting and waiting[0] not in self._unclaimed:
            waiting.popleft()
        if not waiting:
            return None
        span = self._unclaimed[waiting[0]]
        is_other_call = part.call_id is not None and get_tool(span).call_id not in (None, part.call_id)
        if is_other_call or (span.started_ns and span.started_ns < model_call.started_ns):
            return None
        return self._claim(waiting.popleft())


def get_tool(span: AgentSpan) -> ToolUse:
    """Return what a tool span tells of its tool."""
    return span.tool or ToolUse(span.name)


def _is_copy(span: AgentSpan, nesting: SpanNesting) -> bool:
    holder = nesting.find_holder(span)
    return holder is not None and holder.role is SpanRole.TOOL and get_tool(holder).name == get_tool(span).name
