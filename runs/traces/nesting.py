"""Find the spans of agents inside which others are. Computed once for a trace, in a time that grows with its size."""

from __future__ import annotations

from collections.abc import Mapping

from runs.traces.agent_span import AgentSpan, SpanRole
from runs.traces.span_tree import SpanTree


class SpanNesting:
    """The nearest known ancestors of each span: an agent, workflow, model call or tool; a tool; an agent with usage."""

    def __init__(self, spans: Mapping[str, AgentSpan], tree: SpanTree) -> None:
        """Find them among the spans of agents of a trace."""
        self._spans = spans
        self._nearest = tree.find_nearest_ancestors(
            {span.span_id for span in spans.values() if span.role is not SpanRole.OTHER}
        )
        self._nearest_tools = tree.find_nearest_ancestors(
            {span.span_id for span in spans.values() if span.role is SpanRole.TOOL}
        )
        self._nearest_reporters = tree.find_nearest_ancestors(
            {span.span_id for span in spans.values() if span.role.is_agent and span.usage}
        )

    def find_holder(self, span: AgentSpan) -> AgentSpan | None:
        """Return the nearest agent, workflow, model call or tool that a span is inside of."""
        holder = self._nearest.get(span.span_id)
        return None if holder is None else self._spans[holder]

    def is_below_tool(self, span: AgentSpan) -> bool:
        """Return whether a span is inside the execution of a tool."""
        return span.span_id in self._nearest_tools

    def is_below_reporter(self, span: AgentSpan) -> bool:
        """Return whether a span is inside an agent that reports usage."""
        return span.span_id in self._nearest_reporters
