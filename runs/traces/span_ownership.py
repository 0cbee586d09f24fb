"""Find the spans of one of several runs of a trace, also those that no instrumentation of agents made."""

from __future__ import annotations

from collections.abc import Iterable

from runs.models import Trace
from runs.traces.derivation import normalize_spans
from runs.traces.run_objects import make_trace_run_id
from runs.traces.run_ownership import assign_spans
from runs.traces.span_rows import read_traces
from runs.traces.span_tree import SpanTree
from runs.traces.span_view import SpanLink, SpanView


def find_spans_of_run(trace: Trace, run_id: str) -> set[str]:
    """Return the ids of the spans of a run: its own, what is below its root, and what is above them.

    The first run of a trace also has what belongs to none.
    """
    _, spans = next(read_traces([trace]))
    owners, tree = _find_owners(trace, spans)
    first = trace.run_ids[0] if trace.run_ids else run_id
    own = {span_id for span_id in tree.spans if owners.get(span_id, first) == run_id}
    for span_id in reversed(tree.parents_first()):
        parent = tree.parent(span_id)
        if span_id in own and parent is not None:
            own.add(parent)
    return own


def _find_owners(trace: Trace, spans: Iterable[SpanView | SpanLink]) -> tuple[dict[str, str], SpanTree]:
    """Return the id of the run of each span that belongs to one, and the tree of all spans."""
    links, agent_spans = normalize_spans(spans, max_input_characters=0)
    tree = SpanTree(links)
    owners: dict[str, str] = {}
    for owned in assign_spans(agent_spans, tree):
        run_id = make_trace_run_id(trace.trace_id, owned.root)
        owners |= {span.span_id: run_id for span in owned.spans}
    for span_id in tree.parents_first():
        parent = tree.parent(span_id)
        if span_id not in owners and parent in owners:
            owners[span_id] = owners[parent]
    return owners, tree
