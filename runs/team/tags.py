"""Putting tags on runs and taking them off."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidTag, Problem
from runs.models import Project, Run, RunTag, User
from runs.models.tag import normalize_tag

MAX_TAGS_PER_RUN = 20  # on one run
TAG_FIELD = "tag"


def parse_tags(text: str) -> list[str]:
    """The tags that a person typed, separated by commas. Raises InvalidTag, one problem for each that is none."""
    found: dict[str, None] = {}
    problems = []
    for part in filter(str.strip, text.split(",")):
        try:
            found[normalize_tag(part)] = None
        except ValueError as error:
            problems.append(Problem(TAG_FIELD, str(error)))
    if not found and not problems:
        problems.append(Problem(TAG_FIELD, "expected a tag, such as needs-review; separate several by commas"))
    if problems:
        raise InvalidTag("; ".join(each.message for each in problems), problems)
    return list(found)


def add_tags(project: Project, keys: Collection[uuid.UUID], tags: Iterable[str], by: User | None) -> int:
    """Put `tags` on the runs of `project` with those stored ids; how many runs got one that they did not have.

    All or nothing. Raises InvalidTag where a run would have more than `MOST`.
    """
    wanted = set(tags)
    now = timezone.now()
    with transaction.atomic():
        # locked, so that none is deleted meanwhile and leaves its tags behind; in one order, so that none waits for
        # another that waits for it
        runs = list(Run.objects.in_project(project).with_keys(keys).locked())
        present = RunTag.objects.by_run([run.pk for run in runs])
        _check_tag_limit(runs, present, wanted)
        fresh = {run: sorted(wanted.difference(present.get(run.pk, ()))) for run in runs}
        RunTag.objects.bulk_create(
            [
                RunTag(run=run, tag=tag, project=project, created_at=run.created_at, tagged_at=now, tagged_by=by)
                for run, missing in fresh.items()
                for tag in missing
            ]
        )
    return sum(map(bool, fresh.values()))


def remove_tags(project: Project, keys: Collection[uuid.UUID], tags: Collection[str]) -> int:
    """Take `tags` off those runs; how many runs had one."""
    found = RunTag.objects.in_project(project).on(keys).named(tags)
    with transaction.atomic():
        count = len(set(found.values_list("run_id", flat=True)))
        found.delete()
    return count


def _check_tag_limit(runs: Iterable[Run], present: dict[uuid.UUID, list[str]], wanted: set[str]) -> None:
    for run in runs:
        count = len(wanted.union(present.get(run.pk, ())))
        if count > MAX_TAGS_PER_RUN:
            message = f"a run has {MAX_TAGS_PER_RUN} tags at the most, and {run.external_id} would have {count}"
            raise InvalidTag(message, [Problem(TAG_FIELD, message)])
