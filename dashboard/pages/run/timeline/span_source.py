"""The spans of a trace as nodes of the timeline of one of its runs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from dashboard.pages.run.timeline.span_content import SpanContent, build_span_content, normalize_stored_span
from dashboard.pages.run.timeline.tree import TimelineNode, TimelineTree
from dashboard.ui.timeline_axis import TimelineAxis
from runs.models import Run, RunStep, Span, SpanLog, SpanOrigin, Trace
from runs.models.trace import find_root_span_id
from runs.traces.agent_span import AgentSpan, SpanRole
from runs.traces.model_calls import collect_model_calls
from runs.traces.nesting import SpanNesting
from runs.traces.run_steps import find_step_span_id
from runs.traces.span_tree import SpanTree
from runs.traces.span_view import SpanLink

MAX_SPANS = 5_000  # of a trace that are drawn; the first in time
_SPANS_PER_CALL = 4
_ROLES = frozenset(role.value for role in SpanRole)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = ("span_id", "parent_id", "name", "started_ns", "ended_ns", "is_error", "role")


class SpanRow(NamedTuple):
    """The part of a span that the timeline draws."""

    span_id: str
    parent_id: str | None
    name: str
    started_ns: int
    ended_ns: int
    is_error: bool
    role: str


class SpanSource:
    """The nodes of the spans of `trace`, from which `run` is derived, with the tokens that its steps report."""

    noun = "span"
    template = "pages/run/_span_content.html"
    is_precise = True

    def __init__(self, run: Run, trace: Trace, steps: Collection[RunStep]) -> None:
        """Describe the spans of a trace. Queries are made on first access."""
        self.trace = trace
        self._run = run
        self._root_id = find_root_span_id(run.external_id)
        self._steps = steps

    @property
    def count(self) -> int:
        """The number of all spans."""
        return self.trace.span_count

    @property
    def folded(self) -> set[str]:
        """The roots of other runs of the trace."""
        roots = {find_root_span_id(run_id) for run_id in self.trace.run_ids} - {self._root_id, None}
        return {root for root in roots if root is not None}

    @cached_property
    def axis(self) -> TimelineAxis:
        """The time from the first to the last known moment of the spans of the run."""
        own = [node for node in self.nodes if self._is_own(node)] or self.nodes
        times = [moment for node in own for moment in (node.begin, node.end) if moment is not None]
        begin = min(times, default=self._run.stated_created_at)
        return TimelineAxis(begin, max(times, default=begin))

    @cached_property
    def nodes(self) -> list[TimelineNode]:
        """The spans, each after its parent. Those whose parents are missing, or form a circle, are outermost."""
        stored = Span.objects.of_trace(self.trace).values_list(*_FIELDS)[:MAX_SPANS]
        tokens = self._count_tokens()
        return [
            _build_node(number, span, parent, tokens.get(span.span_id))
            for number, (span, parent) in enumerate(_walk([SpanRow(*row) for row in stored]), 1)
        ]

    @property
    def required(self) -> Iterator[str]:
        """The root of the run, and the spans that failed."""
        if self._root_id is not None:
            yield self._root_id
        for node in self.nodes:
            if node.is_failed:
                yield node.position

    def read_contents(self, positions: Collection[str]) -> dict[str, SpanContent]:
        """Return the contents of spans by id. Takes three queries."""
        if not positions:
            return {}
        spans, origins, logs = self._read(positions)
        return {
            span.span_id: build_span_content(span, origins.get(span.origin), logs[span.span_id], self.axis.begin)
            for span in spans
        }

    @cached_property
    def tree(self) -> TimelineTree:
        """The spans as a tree."""
        return TimelineTree(self.nodes)

    def read_model_calls(self, limit: int) -> list[AgentSpan]:
        """Return the first model calls of the run. Several spans may be about one call, so that more are read."""
        own = [node for node in self.nodes if node.kind in _ROLES and self._is_own(node)]
        model_ids = [node.position for node in own if node.kind == SpanRole.MODEL.value]
        spans = {
            node.position: AgentSpan(node.position, node.parent, node.label, SpanRole(node.kind))
            for node in own
            if node.kind != SpanRole.MODEL.value
        }
        spans |= {span.span_id: span for span in self._normalize(model_ids[: limit * _SPANS_PER_CALL])}
        tree = SpanTree({node.position: SpanLink(node.position, node.parent) for node in self.nodes})
        return collect_model_calls(spans.values(), SpanNesting(spans, tree))[:limit]

    def _normalize(self, span_ids: Collection[str]) -> list[AgentSpan]:
        spans, origins, logs = self._read(span_ids)
        normalized = (normalize_stored_span(span, origins.get(span.origin), logs[span.span_id]) for span in spans)
        return [span for span in normalized if span is not None]

    def _read(
        self, span_ids: Collection[str]
    ) -> tuple[list[Span], dict[uuid.UUID, SpanOrigin], dict[str, list[SpanLog]]]:
        spans = list(Span.objects.of_trace(self.trace).with_ids(span_ids))
        origins = {origin.digest: origin for origin in self.trace.read_origins(span.origin for span in spans)}
        logs: dict[str, list[SpanLog]] = defaultdict(list)
        for log in self.trace.read_logs(span_ids):
            logs[log.span_id].append(log)
        return spans, origins, logs

    def _is_own(self, node: TimelineNode) -> bool:
        return self._root_id is None or self._root_id in (node.position, *self.tree.ancestors(node.position))

    def _count_tokens(self) -> dict[str, int]:
        """Return the tokens of model calls by span."""
        tokens: dict[str, int] = {}
        for step in self._steps:
            span_id = find_step_span_id(step.external_id)
            if span_id is not None and step.total_tokens is not None:
                tokens[span_id] = tokens.get(span_id, 0) + step.total_tokens
        return tokens


def _walk(spans: list[SpanRow]) -> Iterator[tuple[SpanRow, str | None]]:
    """Yield each span once, after its parent, with the id of this parent."""
    ids = {span.span_id for span in spans}
    children: dict[str | None, list[SpanRow]] = defaultdict(list)
    for span in spans:
        children[span.parent_id if span.parent_id in ids else None].append(span)
    seen: set[str] = set()
    for start in [*children[None], *spans]:  # the latter for circles of parents
        waiting: list[tuple[SpanRow, str | None]] = [(start, None)]
        while waiting:
            span, parent = waiting.pop()
            if span.span_id not in seen:
                seen.add(span.span_id)
                yield span, parent
                waiting += [(child, span.span_id) for child in reversed(children.get(span.span_id, []))]


def _build_node(number: int, span: SpanRow, parent: str | None, tokens: int | None) -> TimelineNode:
    begin = _to_moment(span.started_ns)
    return TimelineNode(
        position=span.span_id,
        parent=parent,
        number=str(number),
        label=span.name or "(no name)",
        kind=span.role or "other",
        status="failed" if span.is_error else "completed",
        anchor=f"span-{span.span_id}",
        begin=begin,
        end=_to_moment(span.ended_ns) if span.ended_ns >= span.started_ns else None,
        tokens=tokens,
        is_failed=span.is_error,
    )


def _to_moment(nanoseconds: int) -> datetime | None:
    """Return a time to the microsecond, None if it is unknown or later than dates go."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None
    except OverflowError:
        return None
