"""Derive the runs of traces that were too large to be derived in a post, or whose parents have not come.

The maintenance process calls this. Traces without runs, which nobody sees, are deleted after a day.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidObject, SourceConflict
from runs.ingest.merge import Receipt
from runs.ingest.write import is_value_refused
from runs.models import Project, Trace
from runs.models.trace import TraceQuerySet
from runs.traces.trace_runs import MAX_SIZE_DERIVED_AT_ONCE, SUFFICIENT_GROWTH, derive_traces, find_delay

logger = logging.getLogger(__name__)

MAX_TRACES_PER_STEP = 20
MAX_REPEATED_DERIVATIONS = 12  # that count; the delay is the longest one then
CLAIM_TIME = timedelta(minutes=5)  # after which a trace is due again if its derivation did not end
KEPT_WITHOUT_RUNS = timedelta(days=1)


def derive_due_traces(project: Project) -> bool:
    """Derive the runs of traces that are due, each in a transaction of its own, and return whether there is more."""
    for _ in range(MAX_TRACES_PER_STEP):
        trace = _claim_next(project)
        if trace is None:
            return False
        _derive_claimed(project, trace)
    return True


def delete_traces_without_runs(project: Project) -> bool:
    """Delete traces without runs that are older than `KEPT_WITHOUT_RUNS`, and return whether there may be more."""
    unused = Trace.objects.without_runs(project, timezone.now() - KEPT_WITHOUT_RUNS)
    if not unused.exists():
        return False
    return run_in_derivation_transaction(project, lambda: _delete_next(unused)) == MAX_TRACES_PER_STEP


def _claim_next(project: Project) -> Trace | None:
    """Return the trace that is due first, None if there is none, and postpone it.

    So a trace whose derivation fails, or ends the process, holds up no other one, and is tried ever less often.
    """
    now = timezone.now()
    if not Trace.objects.due(project, now).exists():
        return None
    with transaction.atomic():
        trace = Trace.objects.due(project, now).without_run_ids().lock_unlocked().first()
        if trace is not None:
            if trace.size >= trace.derived_size * SUFFICIENT_GROWTH:
                trace.derived_size, trace.repeated_derivations = trace.size, 0
            else:
                trace.repeated_derivations = min(trace.repeated_derivations + 1, MAX_REPEATED_DERIVATIONS)
            trace.due_at = now + CLAIM_TIME + find_delay(trace)
            trace.save(update_fields=["derived_size", "repeated_derivations", "due_at"])
    return trace


def _derive_claimed(project: Project, trace: Trace) -> None:
    try:
        run_in_derivation_transaction(project, lambda: _derive(project, trace.pk))
    except (SourceConflict, InvalidObject) as error:
        _give_up(trace, error.problems or error.message)
    except DatabaseError as error:
        if not is_value_refused(error):
            raise
        _give_up(trace, str(error).splitlines()[0])


def _derive(project: Project, trace_key: uuid.UUID) -> None:
    """Derive the runs of a trace.

    Posts derive no trace that is large, and must not wait until this does, which takes long. So only a small one is
    locked meanwhile. A large one that has changed in between is derived again.
    """
    now = timezone.now()
    traces = Trace.objects.filter(pk=trace_key).without_run_ids()
    trace = traces.first()
    if trace is not None and trace.size <= MAX_SIZE_DERIVED_AT_ONCE:
        trace = traces.select_for_update().first()
    if trace is None:
        return
    changed_at = trace.changed_at
    derive_traces(project, [trace], Receipt(now, trace.received_key_id))
    newest = traces.select_for_update().get()
    if newest.changed_at != changed_at:
        trace.due_at = now + find_delay(newest)
    trace.save(update_fields=["run_ids", "former_run_ids", "due_at"])


def _give_up(trace: Trace, reason: object) -> None:
    Trace.objects.filter(pk=trace.pk).update(due_at=None)
    logger.warning("Runs of trace %s can't be written: %s", trace.trace_id, reason, extra={"action": "refuse_trace"})


def _delete_next(unused: TraceQuerySet) -> int:
    traces = list(unused.lock_unlocked()[:MAX_TRACES_PER_STEP])
    for trace in traces:
        trace.delete_whole()
    return len(traces)
