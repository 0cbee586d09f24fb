"""Changing all runs that match a query: they are tagged, marked as reviewed, or deleted.

`start_bulk_action` notes what is to be done. `continue_bulk_action` does a step of it; the page that shows the progress
and the maintenance process call it until nothing is left, whichever comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import BulkActionInProgress, InvalidFilter, InvalidTag, TooManyRetries
from runs.models import AuditEvent, BulkAction, Project, Run, User
from runs.query import RunFilters
from runs.query.order import parse_cursor
from runs.team.deletion import delete_runs
from runs.team.reviews import mark_reviewed, unmark_reviewed
from runs.team.tags import add_tags, remove_tags

# A deletion of so many runs with their steps takes some minutes. More runs need another action.
MAX_BULK_RUNS = 100_000
STEP_SIZE = 200  # runs; the rows stay locked for the length of a step


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A request of a user: the runs that match `filters`, and what is done to them."""

    filters: RunFilters
    kind: str
    tags: tuple[str, ...] = ()


def count_affected_runs(project: Project, filters: RunFilters, now: datetime | None = None) -> int:
    """Count the runs that match, up to `MAX_BULK_RUNS + 1`."""
    return filters.apply(Run.objects.in_project(project), now).count_at_most(MAX_BULK_RUNS)


def start_bulk_action(project: Project, user: User, address: str, asked: BulkRequest) -> BulkAction:
    """Note that `user` asked for a change of all matching runs, at most the `MAX_BULK_RUNS` newest.

    Raises:
        BulkActionInProgress: The previous one of the project has not ended.
    """
    now = timezone.now()
    action = BulkAction(
        project=project,
        user=user,
        user_name=user.get_username(),
        address=address,
        kind=asked.kind,
        tags=list(asked.tags),
        query=asked.filters.to_query_text(),
        total=min(count_affected_runs(project, asked.filters, now), MAX_BULK_RUNS),
        created_at=now,
    )
    try:
        with transaction.atomic():
            action.save(force_insert=True)
            _record(action, f"started: {action.describe()}, {action.total:,} {asked.filters.describe()}")
    except IntegrityError as error:
        raise BulkActionInProgress from error
    return action


def continue_bulk_action(project: Project) -> bool:
    """Do a step of the action of `project` that has not ended, and return whether there is more to do.

    A step that others delay is repeated later. Raises Django's DatabaseError.
    """
    try:
        with transaction.atomic():
            action = BulkAction.objects.unfinished(project).lock_unlocked().first()
            if action is None:
                return False
            action.project = project
            _do_step(action)
            action.save()
            return action.ended_at is None
    except TooManyRetries:
        return False


def cancel_bulk_action(action: BulkAction) -> None:
    """End an action early. What it has done stays done."""
    with transaction.atomic():
        action = BulkAction.objects.select_for_update(of=("self",)).get(pk=action.pk)
        if action.ended_at is None:
            _end(action, "cancelled")
            action.save()


def _do_step(action: BulkAction) -> None:
    """Change the next runs, and move the cursor behind them."""
    try:
        runs = _fetch_next_runs(action)
        if runs:
            action.changed += _change_runs(action, runs)
            action.processed += len(runs)
            action.cursor = str(NEWEST_FIRST.cursor_at(runs[-1]))
    except (InvalidFilter, InvalidTag) as error:
        _end(action, error.message)
        return
    if not runs or action.processed >= action.total:
        _end(action)


def _fetch_next_runs(action: BulkAction) -> list[Run]:
    """Fetch the next runs that match. Raises InvalidFilter if a later version no longer knows a field of the query."""
    plan = RunFilters.parse_query_text(action.query).plan(action.project, action.created_at)
    after = parse_cursor(action.cursor) if action.cursor else None
    size = min(STEP_SIZE, action.total - action.processed)
    runs = Run.objects.in_project(action.project).received_until(action.created_at).for_list()
    return plan.fetch_page(runs, NEWEST_FIRST, after, size) if size else []


def _change_runs(action: BulkAction, runs: list[Run]) -> int:
    """Change `runs` and return how many of them changed. Raises InvalidTag and TooManyRetries."""
    keys = [run.pk for run in runs]
    match action.kind:
        case BulkAction.Kind.ADD_TAGS:
            return add_tags(action.project, keys, action.tags, action.user)
        case BulkAction.Kind.REMOVE_TAGS:
            return remove_tags(action.project, keys, action.tags)
        case BulkAction.Kind.MARK_REVIEWED:
            return mark_reviewed(action.project, keys, action.user or action.user_name)
        case BulkAction.Kind.UNMARK_REVIEWED:
            return unmark_reviewed(action.project, keys)
        case _:
            run_ids = [run.external_id for run in runs]
            return delete_runs(action.project, run_ids, lambda text: _record(action, text)).runs


def _end(action: BulkAction, problem: str = "") -> None:
    action.ended_at, action.problem = timezone.now(), problem
    outcome = f"ended early ({problem})" if problem else "finished"
    _record(action, f"{outcome}: {action.describe()}, {action.changed:,} of {action.total:,} runs changed")


def _record(action: BulkAction, text: str) -> None:
    category = AuditEvent.Category.DELETION if action.kind == BulkAction.Kind.DELETE else AuditEvent.Category.CHANGE
    actor = action.user or action.user_name
    AuditEvent.objects.record(action.project, actor, text, category=category, address=action.address)
