"""When the states of error groups end: a resolved group occurs again, or a group has been ignored for long enough.

Nothing is counted when runs are received. The end of a state follows from the creation times of the runs, so that runs
that arrive late, are posted again or are deleted are always taken into account, and no decision is ever overwritten.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from runs.models import ErrorGroup, ErrorGroupEvent
from runs.models.error_group import QUIET_DAYS

_IgnoredUntil = ErrorGroup.IgnoredUntil

# The time at which each state ended. `runs` is the number of runs that end it; NULL if only a regression does: a run
# with a configuration that was first received after the decision, or the first run after QUIET_DAYS without one.
# `quiet` follows the runs in steps of at most that length, each of which is a look-up in the index run_error_group.
_ENDS = """
    SELECT state.position, CASE WHEN state.runs IS NOT NULL THEN
           (SELECT created_at FROM run WHERE error_group_id = state.id AND created_at > state.since
               AND created_at < state.before ORDER BY created_at OFFSET state.runs - 1 LIMIT 1)
      ELSE least(
           (SELECT min(run.created_at) FROM configuration JOIN run ON run.configuration_id = configuration.id
             WHERE run.error_group_id = state.id AND run.created_at > state.since
               AND configuration.first_seen_at > state.since),
           (WITH RECURSIVE quiet (at) AS (
                SELECT state.since
                UNION ALL
                SELECT (SELECT max(created_at) FROM run WHERE error_group_id = state.id
                           AND created_at > quiet.at AND created_at <= quiet.at + %(quiet)s::interval)
                  FROM quiet WHERE quiet.at IS NOT NULL)
            SELECT min(created_at) FROM run WHERE error_group_id = state.id
               AND created_at > (SELECT max(at) FROM quiet) + %(quiet)s::interval)) END
      FROM unnest(%(ids)s::uuid[], %(since)s::timestamptz[], %(before)s::timestamptz[], %(runs)s::int[])
           WITH ORDINALITY AS state (id, since, before, runs, position)"""


@dataclass(frozen=True, slots=True)
class StateEnd:
    """The end of the state of a group, which is open again since.

    Attributes:
        at: when the run that ended it was created, or the date that was set.
        label: the state of the group now: "regressed" or "reopened".
        reason: what happened, as a sentence without a full stop.
    """

    at: datetime
    label: str
    reason: str

    @property
    def is_regression(self) -> bool:
        """Return whether the group occurred although it was thought to be gone."""
        return self.label == "regressed"


@dataclass(frozen=True, slots=True)
class _Condition:
    """What ends a state that began at `since`: so many `runs` before `before`; None for a regression."""

    group_id: uuid.UUID
    since: datetime
    runs: int | None
    before: datetime | str = "infinity"


def fetch_state_ends(groups: Iterable[ErrorGroup], now: datetime) -> dict[uuid.UUID, StateEnd]:
    """Return the ends of the states of `groups` by id, of those that have ended; at most one query."""
    ends = {}
    conditions = {}
    for group in groups:
        if group.state_changed_at is None or group.state == ErrorGroup.State.OPEN:
            continue
        if group.state == ErrorGroup.State.RESOLVED:
            conditions[group] = _Condition(group.pk, group.state_changed_at, 1)
        elif group.ignored_until == _IgnoredUntil.RUNS:
            conditions[group] = _Condition(group.pk, group.state_changed_at, group.ignored_until_runs)
        elif group.ignored_until == _IgnoredUntil.REGRESSION:
            conditions[group] = _Condition(group.pk, group.state_changed_at, None)
        elif group.ignored_until_at is not None and group.ignored_until_at <= now:
            ends[group.pk] = _build_state_end(group, group.ignored_until_at)
    for group, at in zip(conditions, _fetch_times(list(conditions.values())), strict=True):
        if at is not None:
            ends[group.pk] = _build_state_end(group, at)
    return ends


def fetch_regressions(group: ErrorGroup, events: Iterable[ErrorGroupEvent]) -> list[datetime]:
    """Return when `group` occurred again after it was resolved, before the next decision; at most one query.

    `events` are the decisions on the group, the newest first.
    """
    before: datetime | str = "infinity"
    conditions = []
    for event in events:
        if event.state == ErrorGroup.State.RESOLVED:
            conditions.append(_Condition(group.pk, event.at, 1, before))
        if event.state:
            before = event.at
    return [at for at in _fetch_times(conditions) if at is not None]


def _fetch_times(conditions: list[_Condition]) -> list[datetime | None]:
    if not conditions:
        return []
    params: dict[str, Any] = {
        "quiet": f"{QUIET_DAYS} days",
        "ids": [condition.group_id for condition in conditions],
        "since": [condition.since for condition in conditions],
        "before": [str(condition.before) for condition in conditions],
        "runs": [condition.runs for condition in conditions],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, params)
        times: dict[int, datetime | None] = dict(cursor.fetchall())
    return [times[position] for position in range(1, len(conditions) + 1)]


def _build_state_end(group: ErrorGroup, at: datetime) -> StateEnd:
    if group.state == ErrorGroup.State.RESOLVED:
        return StateEnd(at, "regressed", "It occurred again after it was resolved")
    match group.ignored_until:
        case _IgnoredUntil.RUNS:
            count = group.ignored_until_runs or 0
            return StateEnd(at, "reopened", f"It occurred {count:,} more time{'' if count == 1 else 's'}")
        case _IgnoredUntil.REGRESSION:
            reason = f"It occurred with a new configuration, or after {QUIET_DAYS} days without a run"
            return StateEnd(at, "regressed", reason)
    return StateEnd(at, "reopened", "The time until which it was ignored has passed")
