"""Derive the runs of locked traces and write them, now or later.

Small traces are derived in the post that changed them. A larger one is derived by the maintenance process, after a
time that grows with its size: so each span that is added to it costs no more than itself, and all derivations together
a fixed share of one process, however often it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from runs.derivation import DerivedRun, replace_derived_runs
from runs.ingest.merge import Receipt
from runs.models import Project, RunSource, Trace
from runs.traces.derivation import derive_trace_runs
from runs.traces.span_rows import read_traces

# What is derived at once. A span takes about 0.3 ms, a kilobyte 0.03 ms.
MAX_SPANS_DERIVED_AT_ONCE = 1_000
MAX_BYTES_DERIVED_AT_ONCE = 8 * 1024 * 1024
MIN_DELAY = timedelta(seconds=1)
DELAY_PER_SPAN = timedelta(milliseconds=1)
# A run whose parent has not come is complete after this time without a change of its trace.
SETTLE_TIME = timedelta(seconds=60)
# Of what models got, in one trace: each call of an agent repeats what came before.
MAX_INPUT_CHARACTERS = 32 * 1024 * 1024
# The fields of a trace that storing and deriving change.
SAVED_TRACE_FIELDS = ["span_count", "byte_count", "changed_at", "due_at", "run_ids", "former_run_ids"]


def derive_or_defer(project: Project, traces: Iterable[Trace], receipt: Receipt) -> None:
    """Derive the runs of changed traces that are small, and schedule the others."""
    small, spans, size = [], 0, 0
    for trace in traces:
        spans, size = spans + trace.span_count, size + trace.byte_count
        is_small = trace.span_count <= MAX_SPANS_DERIVED_AT_ONCE and trace.byte_count <= MAX_BYTES_DERIVED_AT_ONCE
        if is_small and size <= MAX_BYTES_DERIVED_AT_ONCE * 8:
            small.append(trace)
        else:
            defer_derivation(trace, receipt.at)
    derive_traces(project, small, receipt)


def defer_derivation(trace: Trace, now: datetime) -> None:
    """Let the maintenance process derive a trace soon. A time that is set already stays."""
    due_at = now + max(MIN_DELAY, DELAY_PER_SPAN * trace.span_count)
    trace.due_at = due_at if trace.due_at is None else min(trace.due_at, due_at)


def derive_traces(project: Project, traces: Sequence[Trace], receipt: Receipt) -> None:
    """Derive and write the runs of traces. Set, but don't save, what the traces know of them.

    Raises SourceConflict and InvalidObject, as `replace_derived_runs` does.
    """
    derived: list[DerivedRun] = []
    former_ids: list[str] = []
    aliases: dict[str, str] = {}
    for trace, spans in read_traces(traces):
        derivation = derive_trace_runs(
            trace.trace_id,
            spans,
            is_settled=trace.changed_at <= receipt.at - SETTLE_TIME,
            max_input_characters=MAX_INPUT_CHARACTERS,
        )
        run_ids = [str(derived_run.run["id"]) for derived_run in derivation.runs]
        gone = {*trace.run_ids, *trace.former_run_ids}.difference(run_ids)
        aliases |= {run_id: derivation.holders[run_id] for run_id in gone if run_id in derivation.holders}
        former_ids += trace.run_ids
        derived += derivation.runs
        trace.run_ids, trace.former_run_ids = run_ids, sorted(gone)
        trace.due_at = receipt.at + SETTLE_TIME if derivation.is_waiting else None
    if derived or former_ids:
        replace_derived_runs(project, RunSource.OTEL, derived, former_ids=former_ids, aliases=aliases, receipt=receipt)
