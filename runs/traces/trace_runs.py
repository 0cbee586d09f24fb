"""Derive the runs of locked traces and write them, now or later.

A derivation reads a whole trace, so that a trace that is touched by many posts must not be derived in each of them.
What a trace costs in all stays linear in what was sent:

1. A post stores what it brings, at a cost of that size alone: it neither reads nor rewrites the rest of a trace.
2. It derives at once as much as a constant plus some times what it brought, the smallest traces first. All else waits
   for the maintenance process (see `pending`).
3. There a trace waits for some times as long as its derivation takes. Unless it has grown by a quarter, it then waits
   twice as long each time, up to an hour. So between two sizes of which the second is larger by a quarter, it is
   derived a few times, which grow with the logarithm of the time, and not with the number of posts. Sizes form a
   geometric series, hence all derivations together cost a few times the last one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from runs.analytics.linked_runs import RESPONSE_IDS_MEMBER, TRACE_MEMBER
from runs.derivation import DerivedRun, replace_derived_runs
from runs.ingest.merge import Receipt
from runs.models import Project, ResponseMention, RunSource, Trace
from runs.traces.derivation import derive_trace_runs
from runs.traces.span_rows import read_traces

# In the unit of `Trace.size`, of which a megabyte takes about 30 ms.
MIN_SIZE_DERIVED_AT_ONCE = 4_000_000  # by a post, however little it brings
SIZE_DERIVED_PER_SENT = 4
MAX_SIZE_DERIVED_AT_ONCE = 20_000_000
SECONDS_PER_SIZE = 30e-9
MIN_DELAY, MAX_DELAY = timedelta(seconds=1), timedelta(hours=1)
DELAY_PER_DERIVATION = 5  # in the time that the derivation takes
SUFFICIENT_GROWTH = 1.25
# A run whose parent has not come is complete after this time without a change of its trace.
SETTLE_TIME = timedelta(seconds=60)
# Of what models got, in one trace: each call of an agent repeats what came before.
MAX_INPUT_CHARACTERS = 32 * 1024 * 1024


def derive_or_defer(project: Project, traces: Iterable[Trace], sent_size: int, receipt: Receipt) -> list[Trace]:
    """Derive the runs of changed traces, the smallest first, and schedule those that are too large for the post.

    `sent_size` is what the post added to all. Return the traces that were derived.
    """
    small, size = list[Trace](), 0
    allowed = min(MIN_SIZE_DERIVED_AT_ONCE + SIZE_DERIVED_PER_SENT * sent_size, MAX_SIZE_DERIVED_AT_ONCE)
    for trace in sorted(traces, key=lambda trace: (trace.size, trace.trace_id)):
        size += trace.size
        if size <= allowed:
            small.append(trace)
        else:
            defer_derivation(trace, receipt.at)
    derive_traces(project, small, receipt)
    return small


def defer_derivation(trace: Trace, now: datetime) -> None:
    """Let the maintenance process derive a trace after its delay. An earlier time that is set already stays."""
    due_at = now + find_delay(trace)
    trace.due_at = due_at if trace.due_at is None else min(trace.due_at, due_at)


def find_delay(trace: Trace) -> timedelta:
    """Return how long the derivation of a changed trace waits."""
    delay = max(MIN_DELAY, timedelta(seconds=DELAY_PER_DERIVATION * SECONDS_PER_SIZE * trace.size))
    return min(delay * (1 << trace.repeated_derivations), MAX_DELAY)


def derive_traces(project: Project, traces: Sequence[Trace], receipt: Receipt) -> None:
    """Derive and write the runs of traces. Set, but don't save, what the traces know of them.

    Raises SourceConflict and InvalidObject, as `replace_derived_runs` does.
    """
    derived: list[DerivedRun] = []
    former_ids: list[str] = []
    aliases: dict[str, str] = {}
    known_ids = Trace.objects.fetch_run_ids(traces)
    for trace, spans in read_traces(traces):
        derivation = derive_trace_runs(
            trace.trace_id,
            spans,
            is_settled=trace.changed_at <= receipt.at - SETTLE_TIME,
            max_input_characters=MAX_INPUT_CHARACTERS,
        )
        run_ids = [str(derived_run.run["id"]) for derived_run in derivation.runs]
        stored_ids, earlier_ids = known_ids[trace.pk]
        gone = {*stored_ids, *earlier_ids}.difference(run_ids)
        aliases |= {run_id: derivation.holders[run_id] for run_id in gone if run_id in derivation.holders}
        former_ids += stored_ids
        derived += derivation.runs
        trace.run_ids, trace.former_run_ids = run_ids, sorted(gone)
        trace.due_at = receipt.at + SETTLE_TIME if derivation.is_waiting else None
    if derived or former_ids:
        replace_derived_runs(project, RunSource.OTEL, derived, former_ids=former_ids, aliases=aliases, receipt=receipt)
    _record_mentions(project, derived, set(aliases))


def _record_mentions(project: Project, derived: Iterable[DerivedRun], gone: Collection[str]) -> None:
    """Store which responses the runs name. Those that became parts of others name none any more."""
    named = {str(each.run["id"]): each.run[TRACE_MEMBER].get(RESPONSE_IDS_MEMBER, ()) for each in derived}
    if any(named.values()):
        ResponseMention.objects.record(project, named)
        if gone:
            ResponseMention.objects.of_runs(project, gone).delete()
