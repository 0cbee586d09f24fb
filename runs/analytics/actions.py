"""Active runs that need attention, the oldest first: overdue, waiting for an action, or silent.

A run is listed for one reason. Overdue comes before waiting, and waiting before silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_

from django.db.models import Count, Q

from runs.db.keyset_pagination import Cursor, Order
from runs.models import Project, Run
from runs.models.run import ACTIVE_STATUSES, RunQuerySet
from runs.query import RunFilters

OLDEST_FIRST = Order("created", descending=False)
# If nothing was received from an active run for this long, its client has probably stopped.
SILENT_AFTER = timedelta(hours=1)
# Counting ends with the oldest active runs.
MAX_COUNTED_ACTIONS = 10_000


class ActionReason(StrEnum):
    """The reason why a run is listed, in order of precedence."""

    OVERDUE = "overdue"
    WAITING = "waiting"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """The number of runs for each reason; `is_capped` if only the oldest active runs were counted."""

    overdue: int
    waiting: int
    silent: int
    is_capped: bool

    @property
    def total(self) -> int:
        """The number of runs for any reason."""
        return self.overdue + self.waiting + self.silent


@dataclass(frozen=True, slots=True)
class ActionPage:
    """A page of runs, and the cursor of the next page; None at the end."""

    runs: tuple[Run, ...]
    next_cursor: Cursor | None


def find_action_reason(run: Run, now: datetime) -> ActionReason:
    """Return the reason why a run is listed."""
    if run.expires_at is not None and run.expires_at < now:
        return ActionReason.OVERDUE
    return ActionReason.WAITING if run.status == Run.Status.REQUIRES_ACTION else ActionReason.SILENT


def fetch_actions(
    project: Project,
    filters: RunFilters,
    reasons: tuple[ActionReason, ...],
    now: datetime,
    after: Cursor | None,
    page_size: int,
) -> ActionPage:
    """Return the oldest matching runs after the cursor that are listed for one of `reasons`."""
    condition = reduce(or_, (_build_condition(reason, now) for reason in reasons))
    listed = _select_active(project, filters).filter(condition).after(after).sorted_by(OLDEST_FIRST)
    runs = tuple(listed[: page_size + 1])
    has_more = len(runs) > page_size
    return ActionPage(runs[:page_size], OLDEST_FIRST.cursor_at(runs[page_size - 1]) if has_more else None)


def count_actions(project: Project, filters: RunFilters, now: datetime) -> ActionCounts:
    """Count the matching runs by reason; one query."""
    oldest = _select_active(project, filters).sorted_by(OLDEST_FIRST).values("id", "status", "expires_at", "seen_at")
    by_reason = {reason.value: Count("id", filter=_build_condition(reason, now)) for reason in ActionReason}
    counts: dict[str, int] = oldest[: MAX_COUNTED_ACTIONS + 1].aggregate(active=Count("id"), **by_reason)
    is_capped = counts.pop("active") > MAX_COUNTED_ACTIONS
    return ActionCounts(**counts, is_capped=is_capped)


def _select_active(project: Project, filters: RunFilters) -> RunQuerySet:
    """Return the matching runs of a known active status; a run may stay in an unknown status forever."""
    return filters.apply(Run.objects.in_project(project)).filter(status__in=ACTIVE_STATUSES)


def _build_condition(reason: ActionReason, now: datetime) -> Q:
    not_overdue = Q(expires_at=None) | Q(expires_at__gte=now)
    match reason:
        case ActionReason.OVERDUE:
            return Q(expires_at__lt=now)
        case ActionReason.WAITING:
            return Q(status=Run.Status.REQUIRES_ACTION) & not_overdue
        case ActionReason.SILENT:
            return ~Q(status=Run.Status.REQUIRES_ACTION) & not_overdue & Q(seen_at__lt=now - SILENT_AFTER)
