"""Derive the runs of traces that were too large to be derived in a post, or whose parents have not come.

The maintenance process calls this. Traces without runs, which nobody sees, are deleted after a day.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidObject, SourceConflict
from runs.ingest.merge import Receipt
from runs.models import Project, Trace
from runs.models.trace import TraceQuerySet
from runs.traces.trace_runs import SAVED_TRACE_FIELDS, derive_traces

logger = logging.getLogger(__name__)

MAX_TRACES_PER_STEP = 20
KEPT_WITHOUT_RUNS = timedelta(days=1)


def derive_due_traces(project: Project) -> bool:
    """Derive the runs of traces that are due, each in a transaction of its own, and return whether there is more."""
    if not Trace.objects.due(project, timezone.now()).exists():
        return False
    derived = 0
    while derived < MAX_TRACES_PER_STEP and run_in_derivation_transaction(project, lambda: _derive_next(project)):
        derived += 1
    return derived == MAX_TRACES_PER_STEP


def delete_traces_without_runs(project: Project) -> bool:
    """Delete traces without runs that are older than `KEPT_WITHOUT_RUNS`, and return whether there may be more."""
    unused = Trace.objects.without_runs(project, timezone.now() - KEPT_WITHOUT_RUNS)
    if not unused.exists():
        return False
    return run_in_derivation_transaction(project, lambda: _delete_next(unused)) == MAX_TRACES_PER_STEP


def _derive_next(project: Project) -> bool:
    """Derive the trace that is due first, and return whether there was one."""
    now = timezone.now()
    trace = Trace.objects.due(project, now).lock_unlocked().first()
    if trace is None:
        return False
    try:
        derive_traces(project, [trace], Receipt(now, trace.received_key_id))
    except (SourceConflict, InvalidObject) as error:
        trace.due_at = None
        logger.warning(
            "Runs of trace %s can't be written: %s",
            trace.trace_id,
            error.problems or error.message,
            extra={"action": "refuse_trace"},
        )
    trace.save(update_fields=SAVED_TRACE_FIELDS)
    return True


def _delete_next(unused: TraceQuerySet) -> int:
    traces = list(unused.lock_unlocked()[:MAX_TRACES_PER_STEP])
    for trace in traces:
        trace.delete_whole()
    return len(traces)
