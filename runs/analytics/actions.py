"""Active runs that need attention: waiting for an action, silent, or overdue, those first that can still be saved.

A run is listed for one reason: past its expiry it is overdue, whatever else it is.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import NamedTuple, Self

from django.db.models import Case, Count, DateTimeField, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce

from runs.models import Project, Run
from runs.models.run import ACTIVE_STATUSES, RunQuerySet
from runs.query import RunFilters

# If nothing was received from an active run for this long, its client has probably stopped.
SILENT_AFTER = timedelta(hours=1)
# Counting ends with the oldest active runs.
MAX_COUNTED_ACTIONS = 10_000
# Stands for the expiry of a run that does not expire.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class ActionReason(StrEnum):
    """The reason why a run is listed, in the order of the list."""

    WAITING = "waiting"
    SILENT = "silent"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """The number of runs for each reason; `is_capped` if only the oldest active runs were counted."""

    waiting: int
    silent: int
    overdue: int
    is_capped: bool

    @property
    def total(self) -> int:
        """The number of runs for any reason."""
        return self.overdue + self.waiting + self.silent


class ActionCursor(NamedTuple):
    """The position of a run in the list: waiting runs that expire soon come first, others by age, overdue ones last."""

    rank: int
    deadline: datetime
    created_at: datetime
    id: uuid.UUID

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse the result of `str(cursor)`. Raises ValueError or OverflowError."""
        rank, deadline, created_at, run_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        cursor = cls(int(rank), _parse_moment(deadline), _parse_moment(created_at), uuid.UUID(run_id))
        if str(cursor) != text or cursor.rank not in range(len(ActionReason)):  # base64 accepts more than one spelling
            raise ValueError(text)
        return cursor

    def __str__(self) -> str:
        text = f"{self.rank} {self.deadline.isoformat()} {self.created_at.isoformat()} {self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ActionPage:
    """A page of runs, and the cursor of the next page; None at the end."""

    runs: tuple[Run, ...]
    next_cursor: ActionCursor | None


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
    after: ActionCursor | None,
    page_size: int,
) -> ActionPage:
    """Return the first matching runs after the cursor that are listed for one of `reasons`."""
    condition = reduce(or_, (_build_condition(reason, now) for reason in reasons))
    listed = _annotate_position(_select_active(project, filters).filter(condition), now)
    if after is not None:
        listed = listed.filter(_build_after(after))
    runs = tuple(listed.order_by(*ActionCursor._fields)[: page_size + 1])
    return ActionPage(runs[:page_size], _find_position(runs[page_size - 1]) if len(runs) > page_size else None)


def _annotate_position(runs: RunQuerySet, now: datetime) -> RunQuerySet:
    """Add the values that the list is sorted by, with the names of the fields of `ActionCursor`."""
    ranks = [When(_build_condition(reason, now), Value(rank)) for rank, reason in enumerate(ActionReason)]
    deadline = Coalesce("expires_at", Value(_NEVER))
    return runs.annotate(rank=Case(*ranks, output_field=IntegerField())).annotate(
        deadline=Case(When(rank=0, then=deadline), default=Value(_NEVER), output_field=DateTimeField())
    )


def _build_after(cursor: ActionCursor) -> Q:
    """Return the condition of the runs that follow the cursor."""
    condition, same = Q(), Q()
    for name, value in cursor._asdict().items():
        condition |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return condition


def _find_position(run: Run) -> ActionCursor:
    """Return the cursor at a run with the values of `_annotate_position`."""
    return ActionCursor(*(getattr(run, name) for name in ActionCursor._fields))


def count_actions(project: Project, filters: RunFilters, now: datetime) -> ActionCounts:
    """Count the matching runs by reason; one query."""
    oldest = (
        _select_active(project, filters).order_by("created_at", "id").values("id", "status", "expires_at", "seen_at")
    )
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
