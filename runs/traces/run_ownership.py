"""Decide which run each span of a trace belongs to.

An agent or a workflow without such an ancestor is the root of a run. Model calls and tools that no root holds belong to
the only root whose interval contains them, since the spans between may not have been exported; the others of a trace
form one run without a root.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runs.traces.agent_span import AgentSpan, SpanRole
from runs.traces.span_tree import SpanTree


@dataclass
class OwnedSpans:
    """The spans of one run: its root, if it has one, and the spans of agents that it holds, the root among them."""

    root: AgentSpan | None
    spans: list[AgentSpan] = field(default_factory=list)


def assign_spans(spans: Mapping[str, AgentSpan], tree: SpanTree) -> list[OwnedSpans]:
    """Return the runs of a trace, those with roots first, in order of time."""
    roots = _find_roots(spans, tree)
    by_root = {
        root_id: OwnedSpans(spans[root_id])
        for root_id in sorted(set(roots.values()), key=lambda root_id: (spans[root_id].started_ns, root_id))
    }
    orphans = [span for span in spans.values() if span.span_id not in roots]
    containers = _find_containers([owned.root for owned in by_root.values() if owned.root], orphans, tree)
    rest = OwnedSpans(None)
    for span in spans.values():
        root_id = roots.get(span.span_id) or containers.get(span.span_id)
        (by_root[root_id] if root_id else rest).spans.append(span)
    has_work = any(span.role in (SpanRole.MODEL, SpanRole.TOOL) for span in rest.spans)
    return [*by_root.values(), *([rest] if has_work else [])]


def _find_roots(spans: Mapping[str, AgentSpan], tree: SpanTree) -> dict[str, str]:
    """Return the root of each span below one."""
    roots: dict[str, str] = {}
    for span_id in tree.parents_first():
        parent = tree.parent(span_id)
        inherited = roots.get(parent) if parent is not None else None
        span = spans.get(span_id)
        if inherited is not None:
            roots[span_id] = inherited
        elif span is not None and span.role.is_agent:
            roots[span_id] = span_id
    return {span_id: root for span_id, root in roots.items() if span_id in spans}


def _find_containers(roots: list[AgentSpan], orphans: Iterable[AgentSpan], tree: SpanTree) -> dict[str, str]:
    """Return the root for each orphan whose parents are missing, if exactly one root's interval contains it."""
    containers: dict[str, str] = {}
    begun: list[tuple[int, str]] = []  # the ends of the roots that started before an orphan, sorted
    waiting = iter(sorted((root for root in roots if root.ended_ns), key=lambda root: root.started_ns))
    following = next(waiting, None)
    for orphan in sorted(orphans, key=lambda span: span.started_ns):
        while following is not None and following.started_ns <= orphan.started_ns:
            insort(begun, (following.ended_ns, following.span_id))
            following = next(waiting, None)
        if not orphan.started_ns or tree.top(orphan.span_id).parent_id is None:
            continue
        first = bisect_left(begun, (orphan.ended_ns, ""))
        if len(begun) - first == 1:
            containers[orphan.span_id] = begun[first][1]
    return containers
