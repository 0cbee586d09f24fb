"""Deleting runs, with everything that belongs to them."""

from __future__ import annotations

from django.db import transaction

from runs.models import Comment, Observation, Run, RunTag, StepObservation
from runs.rollups import runs, tool_calls


def delete_run(run: Run) -> None:
    """Delete `run`, its steps, history, comments and tags, and subtract it from the rollups, in one transaction.

    The database has no foreign keys that would cascade, since a step may arrive before its run.
    """
    with transaction.atomic():
        # lock the run and read it again: the rollups must lose exactly what is deleted
        current = Run.objects.select_for_update().filter(pk=run.pk).first()
        if current is None:
            return
        tool_calls.delete_steps(current.project, run.pk)
        Observation.objects.filter(run_id=run.pk).delete()
        StepObservation.objects.filter(run_id=run.pk).delete()
        Comment.objects.filter(run_id=run.pk).delete()
        RunTag.objects.filter(run_id=run.pk).delete()
        runs.record_run_changes(current.project, [(current, None)])
        Run.objects.filter(pk=run.pk).delete()
