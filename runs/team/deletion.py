"""Deleting runs and threads, with everything that only they used.

The database has no foreign keys that would cascade, since a step may arrive before its run. A deletion works in
transactions of at most `MAX_RUNS_PER_TRANSACTION` runs, each of which leaves a consistent state and its audit events.
If one fails, a repeated deletion continues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from runs.db.project_locks import lock_records_exclusively
from runs.models import (
    Comment,
    ListedItem,
    Message,
    MessageObservation,
    Observation,
    Project,
    Response,
    ResponseMention,
    ResponseObservation,
    Run,
    RunAlias,
    RunReview,
    RunTag,
    SearchText,
    ShareLink,
    StepObservation,
    Trace,
)
from runs.rollups import compaction, tool_calls
from runs.rollups.runs import new_run_deltas
from runs.team.unused_records import RecordReferences

MAX_RUNS_PER_TRANSACTION = 200

# Adds what was done to the audit log. It is called in the transaction that does it.
RecordEvent = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DeletionCounts:
    """The numbers of deleted records."""

    runs: int = 0
    steps: int = 0
    messages: int = 0

    def __bool__(self) -> bool:
        """Return whether anything was deleted."""
        return bool(self.runs or self.steps or self.messages)

    def __add__(self, other: DeletionCounts) -> DeletionCounts:
        """Return the sums."""
        return DeletionCounts(self.runs + other.runs, self.steps + other.steps, self.messages + other.messages)

    def __str__(self) -> str:
        """Return the counts in words: `2 runs, 14 steps and 1 message`."""
        runs, steps, messages = (
            f"{count:,} {noun}{'' if count == 1 else 's'}"
            for count, noun in ((self.runs, "run"), (self.steps, "step"), (self.messages, "message"))
        )
        return f"{runs}, {steps} and {messages}"


def delete_runs(project: Project, run_ids: Iterable[str], record_event: RecordEvent) -> DeletionCounts:
    """Delete the runs that were posted with those ids, and what was posted for them, even if a run never was.

    An id that leads to a derived run deletes that run. The messages of a thread whose last run is deleted are deleted,
    too. Raises TooManyRetries.
    """
    total, ordered = DeletionCounts(), sorted(set(RunAlias.objects.resolve_ids(project, list(run_ids))))
    for begin in range(0, len(ordered), MAX_RUNS_PER_TRANSACTION):
        batch = ordered[begin : begin + MAX_RUNS_PER_TRANSACTION]
        with transaction.atomic():
            lock_records_exclusively(project.pk)
            counts = _delete_records(project, batch)
            if counts and len(batch) == 1:
                record_event(f"deleted the run {batch[0]}: {counts}")
            elif counts:
                for run_id in batch:
                    record_event(f"deleted the run {run_id}")
                record_event(f"deleted {counts}")
        total += counts
    return total


def delete_thread(project: Project, thread_id: str, record_event: RecordEvent) -> DeletionCounts:
    """Delete a thread: its runs, what was posted for them, and its other messages. Raises TooManyRetries."""
    total, is_last = DeletionCounts(), False
    while not is_last:
        with transaction.atomic():
            lock_records_exclusively(project.pk)
            runs = Run.objects.in_thread(project, thread_id).order_by("pk")
            run_ids = list(runs.values_list("external_id", flat=True)[:MAX_RUNS_PER_TRANSACTION])
            is_last = len(run_ids) < MAX_RUNS_PER_TRANSACTION
            if is_last:
                run_ids += Message.objects.in_thread(project, thread_id).ids_of_missing_runs(project)
            counts = _delete_records(project, run_ids, [thread_id] if is_last else [])
            if counts:
                record_event(f"deleted the thread {thread_id}: {counts}")
        total += counts
    return total


def _delete_responses(project: Project, run_ids: Sequence[str]) -> None:
    """Delete the responses that runs are derived from, with their history and inputs."""
    keys = list(Response.objects.of_runs(project, run_ids).values_list("pk", flat=True))
    if keys:
        ResponseObservation.objects.filter(response_id__in=keys).delete()
        ListedItem.objects.filter(owner__in=keys).delete()
        Response.objects.filter(pk__in=keys).delete()


def _delete_records(project: Project, run_ids: Sequence[str], thread_ids: Sequence[str] = ()) -> DeletionCounts:
    """Delete runs with what was posted for them, the messages of threads, and what nothing else uses.

    Threads of the runs in which no run remains are added to `thread_ids`.
    """
    references = RecordReferences(project)
    keys = [project.record_id(run_id) for run_id in run_ids]

    # 1. Runs, their history, and what the team added to them.
    runs = list(Run.objects.with_ids(keys).locked())
    references.add_runs(runs)
    observations = Observation.objects.filter(run_id__in=keys)
    references.add_history(observations.values_list("other", flat=True))
    observations.delete()
    StepObservation.objects.filter(run_id__in=keys).delete()
    Comment.objects.filter(run_id__in=keys).delete()
    RunTag.objects.filter(run_id__in=keys).delete()
    RunReview.objects.filter(run_id__in=keys).delete()
    ShareLink.objects.on_runs(keys).delete()
    RunAlias.objects.of_runs(project, run_ids).delete()
    ResponseMention.objects.of_runs(project, run_ids).delete()
    _delete_responses(project, run_ids)
    Trace.objects.delete_of_runs(project, run_ids)
    Run.objects.with_ids(keys).delete()

    # 2. Steps and messages.
    steps = tool_calls.delete_steps(keys)
    references.add_assistants(step.assistant_id for step, _ in steps)
    thread_ids = [*thread_ids, *Run.objects.threads_without_runs(project, {run.thread_id for run in runs})]
    messages = Message.objects.of_runs_or_threads(project, run_ids, thread_ids)
    references.add_assistants(messages.values_list("assistant_id", flat=True))
    MessageObservation.objects.filter(message__in=messages).delete()
    SearchText.objects.of_messages(messages).delete()
    SearchText.objects.of_calls(keys).delete()
    message_count, _ = messages.delete()

    # 3. Sums. Compaction removes the rows of keys that only the deleted records had.
    run_deltas = new_run_deltas().add_all((run, None) for run in runs)
    call_deltas = tool_calls.new_tool_call_deltas().add_all((calls, None) for calls in steps)
    for deltas in (run_deltas, call_deltas):
        deltas.write(project)
        compaction.compact_hours(project, deltas.rollups, deltas.hours)

    # 4. What only the deleted records referred to.
    references.delete_unused()
    Project.objects.filter(pk=project.pk).update(deletion_count=F("deletion_count") + 1)
    return DeletionCounts(len(runs), len(steps), message_count)
