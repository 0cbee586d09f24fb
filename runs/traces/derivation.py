"""Derive the runs of a trace from its spans. A pure function: order, repetition and splitting of posts don't matter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import structs

from runs.derivation import DerivedRun
from runs.traces.agent_span import AgentSpan, SpanRole
from runs.traces.nesting import SpanNesting
from runs.traces.normalization import find_span_role, normalize_span
from runs.traces.run_objects import build_derived_run, make_trace_run_id
from runs.traces.run_ownership import OwnedSpans, assign_spans
from runs.traces.span_tree import SpanTree
from runs.traces.span_view import SpanLink, SpanView


@dataclass(frozen=True)
class TraceDerivation:
    """The runs of a trace. `holders` has the id of the run that holds each span that could have been a root.

    `is_waiting` if some of the runs may still become part of others: their parents have not come.
    """

    runs: list[DerivedRun]
    holders: dict[str, str]
    is_waiting: bool


def derive_trace_runs(
    trace_id: str, spans: Iterable[SpanView | SpanLink], *, is_settled: bool, max_input_characters: int | None = None
) -> TraceDerivation:
    """Return the runs of the spans of a trace. Those that no instrumentation of agents made may be given as links.

    A run whose parent span has not come, though it is of the same process, is in progress; not so if the trace
    `is_settled`, because nothing has come for long. What models got is left out after `max_input_characters`, since
    every call of a long trace repeats what came before.
    """
    links, agent_spans = normalize_spans(spans, max_input_characters)
    tree = SpanTree(links)
    nesting = SpanNesting(agent_spans, tree)
    owned_spans = assign_spans(agent_spans, tree)
    waiting = [not is_settled and _is_waiting(owned, tree) for owned in owned_spans]
    runs = [
        build_derived_run(trace_id, owned, nesting, is_waiting=is_waiting)
        for owned, is_waiting in zip(owned_spans, waiting, strict=True)
    ]
    return TraceDerivation(runs, _find_holders(trace_id, owned_spans), any(waiting))


def normalize_spans(
    spans: Iterable[SpanView | SpanLink], max_input_characters: int | None
) -> tuple[dict[str, SpanLink], dict[str, AgentSpan]]:
    """Return all links and the normalised spans by id. Views are not kept, since they may be large."""
    links: dict[str, SpanLink] = {}
    agent_spans: dict[str, AgentSpan] = {}
    characters = 0
    for span in spans:
        link = span if isinstance(span, SpanLink) else span.link
        links[link.span_id] = link
        role = None if isinstance(span, SpanLink) else find_span_role(span)
        if role is None or isinstance(span, SpanLink):
            continue
        agent_span = normalize_span(span, role)
        characters += sum(len(part.text) for message in agent_span.input_messages for part in message.parts)
        if max_input_characters is not None and characters > max_input_characters:
            agent_span = structs.replace(agent_span, input_messages=())
        agent_spans[link.span_id] = agent_span
    return links, agent_spans


def _is_waiting(owned: OwnedSpans, tree: SpanTree) -> bool:
    """Return whether the span may still come that holds this run: the parent of its outermost known span.

    Without a root, it is also waited for if it may be of another process, unless that is known.
    """
    tops = [tree.top(span.span_id) for span in ([owned.root] if owned.root else owned.spans)]
    missing = [top for top in tops if top.parent_id is not None and top.parent_id not in tree.spans]
    if owned.root is not None:
        return any(top.has_local_parent for top in missing)
    return any(not top.has_remote_parent for top in missing)


def _find_holders(trace_id: str, owned_spans: list[OwnedSpans]) -> dict[str, str]:
    """Return the id of the run by the ids of runs that it has taken over, or may have."""
    holders: dict[str, str] = {}
    for owned in owned_spans:
        run_id = make_trace_run_id(trace_id, owned.root)
        for span in owned.spans:
            if span.role.is_agent:
                holders[make_trace_run_id(trace_id, span)] = run_id
            elif span.role in (SpanRole.MODEL, SpanRole.TOOL):
                holders.setdefault(make_trace_run_id(trace_id, None), run_id)
    if owned_spans and owned_spans[-1].root is None:
        holders[make_trace_run_id(trace_id, None)] = make_trace_run_id(trace_id, None)
    return holders
