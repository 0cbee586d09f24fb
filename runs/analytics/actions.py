"""The runs that somebody should look at while they are still said to go on, the oldest first.

A run stands under one heading: past its expiry before all, then waiting for its caller, then silent.
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
# An active run of which nothing was received for longer has probably lost whoever posted it.
SILENT_AFTER = timedelta(hours=1)
# Active runs that are counted, the oldest ones.
MAX_COUNTED_ACTIONS = 10_000


class ActionReason(StrEnum):
    """Why a run is listed, in the order in which headings apply."""

    OVERDUE = "overdue"
    WAITING = "waiting"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """How many runs stand under each heading; `is_capped` where more runs are active than were counted."""

    overdue: int
    waiting: int
    silent: int
    is_capped: bool

    @property
    def total(self) -> int:
        return self.overdue + self.waiting + self.silent


@dataclass(frozen=True, slots=True)
class ActionPage:
    """Some runs that need somebody, and where the next page begins; None at the end."""

    runs: tuple[Run, ...]
    next_cursor: Cursor | None


def find_action_reason(run: Run, now: datetime) -> ActionReason:
    """The heading under which a listed run stands."""
    if run.expires_at is not None and run.expires_at < now:
        return ActionReason.OVERDUE
    return ActionReason.WAITING if run.status == Run.Status.REQUIRES_ACTION else ActionReason.SILENT


def fetch_actions(
    project: Project,
    filters: RunFilters,
    needs: tuple[ActionReason, ...],
    now: datetime,
    after: Cursor | None,
    size: int,
) -> ActionPage:
    """The oldest `size` matching runs behind `after` that stand under one of the headings."""
    wanted = reduce(or_, (_stands_under(need, now) for need in needs))
    found = _active(project, filters).filter(wanted).after(after).sorted_by(OLDEST_FIRST)
    runs = tuple(found[: size + 1])
    return ActionPage(runs[:size], OLDEST_FIRST.cursor_at(runs[size - 1]) if len(runs) > size else None)


def count_actions(project: Project, filters: RunFilters, now: datetime) -> ActionCounts:
    """How many of the matching runs stand under each heading; one query."""
    oldest = _active(project, filters).sorted_by(OLDEST_FIRST).values("id", "status", "expires_at", "seen_at")
    each = {need.value: Count("id", filter=_stands_under(need, now)) for need in ActionReason}
    found: dict[str, int] = oldest[: MAX_COUNTED_ACTIONS + 1].aggregate(active=Count("id"), **each)
    return ActionCounts(
        found["overdue"], found["waiting"], found["silent"], is_capped=found["active"] > MAX_COUNTED_ACTIONS
    )


def _active(project: Project, filters: RunFilters) -> RunQuerySet:
    """Of a status that the protocol does not know, nobody can tell whether it is left again."""
    return filters.apply(Run.objects.in_project(project)).filter(status__in=ACTIVE_STATUSES)


def _stands_under(need: ActionReason, now: datetime) -> Q:
    in_time = Q(expires_at=None) | Q(expires_at__gte=now)
    match need:
        case ActionReason.OVERDUE:
            return Q(expires_at__lt=now)
        case ActionReason.WAITING:
            return Q(status=Run.Status.REQUIRES_ACTION) & in_time
        case ActionReason.SILENT:
            return ~Q(status=Run.Status.REQUIRES_ACTION) & in_time & Q(seen_at__lt=now - SILENT_AFTER)
