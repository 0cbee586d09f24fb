"""Marking runs as reviewed, and taking the mark back."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from runs.models import Project, Run, RunReview, User


def mark_reviewed(project: Project, run_ids: Collection[uuid.UUID], reviewer: User | str) -> int:
    """Mark the runs of `project` with those stored ids as reviewed, and return how many were not.

    A run that somebody has reviewed keeps that review. `reviewer` is a user, or the name of one who is deleted.
    """
    name = reviewer if isinstance(reviewer, str) else reviewer.get_username()
    now = timezone.now()
    with transaction.atomic():
        # locked, since deleting a run meanwhile would leave its review behind
        runs = list(Run.objects.in_project(project).with_ids(run_ids).locked())
        reviewed = RunReview.objects.by_run([run.pk for run in runs])
        reviews = [
            RunReview(run=run, project=project, created_at=run.created_at, reviewed_at=now, reviewer=name)
            for run in runs
            if run.pk not in reviewed
        ]
        RunReview.objects.bulk_create(reviews)
    return len(reviews)


def unmark_reviewed(project: Project, run_ids: Collection[uuid.UUID]) -> int:
    """Mark those runs as not reviewed, and return how many were reviewed."""
    count, _ = RunReview.objects.in_project(project).on_runs(run_ids).delete()
    return count
