"""Adding tags to runs and removing them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidTag, Problem
from runs.models import Project, Run, RunTag, User
from runs.models.run_tag import normalize_tag

MAX_TAGS_PER_RUN = 20
TAG_FIELD = "tag"


def parse_tags(text: str) -> list[str]:
    """Parse tags separated by commas. Raises InvalidTag with one problem for each invalid tag."""
    names: dict[str, None] = {}
    problems = []
    for part in filter(str.strip, text.split(",")):
        try:
            names[normalize_tag(part)] = None
        except ValueError as error:
            problems.append(Problem(TAG_FIELD, str(error)))
    if not names and not problems:
        problems.append(Problem(TAG_FIELD, "expected a tag, such as needs-review; separate several by commas"))
    if problems:
        raise InvalidTag("; ".join(problem.message for problem in problems), problems)
    return list(names)


def add_tags(project: Project, run_ids: Collection[uuid.UUID], tags: Iterable[str], user: User | None) -> int:
    """Add `tags` to the runs of `project` with those stored ids, and return how many runs got a new one.

    Raises InvalidTag, and adds none, if a run would have more than `MAX_TAGS_PER_RUN`.
    """
    tags = set(tags)
    now = timezone.now()
    with transaction.atomic():
        # locked, since deleting a run meanwhile would leave its tags behind
        runs = list(Run.objects.in_project(project).with_ids(run_ids).locked())
        present = RunTag.objects.names_by_run([run.pk for run in runs])
        for run in runs:
            count = len(tags.union(present.get(run.pk, ())))
            if count > MAX_TAGS_PER_RUN:
                message = f"a run has at most {MAX_TAGS_PER_RUN} tags, and {run.external_id} would have {count}"
                raise InvalidTag(message, [Problem(TAG_FIELD, message)])
        new_tags = {run: sorted(tags.difference(present.get(run.pk, ()))) for run in runs}
        RunTag.objects.bulk_create(
            [
                RunTag(run=run, tag=tag, project=project, created_at=run.created_at, tagged_at=now, tagged_by=user)
                for run, names in new_tags.items()
                for tag in names
            ]
        )
    return sum(map(bool, new_tags.values()))


def remove_tags(project: Project, run_ids: Collection[uuid.UUID], tags: Collection[str]) -> int:
    """Remove `tags` from those runs, and return how many runs had one."""
    rows = RunTag.objects.in_project(project).on_runs(run_ids).named(tags)
    with transaction.atomic():
        count = len(set(rows.values_list("run_id", flat=True)))
        rows.delete()
    return count
