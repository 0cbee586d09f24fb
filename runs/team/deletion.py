"""Taking runs away, with all that hangs on them."""

from __future__ import annotations

from django.db import transaction

from runs.models import Comment, Observation, Run, RunTag
from runs.rollups import runs, tool_calls


def delete_run(run: Run) -> None:
    """Delete `run`, its steps, its history, its comments and its tags, and take it out of the sums; all or nothing.

    No foreign key in the database does it, since a step may be there before its run.
    """
    with transaction.atomic():
        # locked and read again: what is taken out of the sums must be what is deleted
        current = Run.objects.select_for_update().filter(pk=run.pk).first()
        if current is None:
            return
        tool_calls.delete_steps(current.project, run.pk)
        Observation.objects.filter(run_id=run.pk).delete()
        Comment.objects.filter(run_id=run.pk).delete()
        RunTag.objects.filter(run_id=run.pk).delete()
        runs.record_run_changes(current.project, [(current, None)])
        Run.objects.filter(pk=run.pk).delete()
