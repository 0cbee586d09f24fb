"""The activity of an error group: what the team decided, and when it regressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runs.analytics.error_group_states import fetch_regressions
from runs.models import ErrorGroup, ErrorGroupEvent


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """Something that happened to a group. `actor` is "" if nobody did it."""

    at: datetime
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class GroupActivity:
    """The activity, the newest entry first, and the name of the user who set the state; "" if nobody did."""

    entries: list[ActivityEntry]
    decided_by: str


def fetch_group_activity(group: ErrorGroup) -> GroupActivity:
    """Return the activity of `group`; two queries at most."""
    events = list(ErrorGroupEvent.objects.newest(group))
    entries = [ActivityEntry(event.at, event.user_name, event.action) for event in events]
    entries += [ActivityEntry(at, "", "It occurred again: regressed") for at in fetch_regressions(group, events)]
    decided_by = next((event.user_name for event in events if event.state), "")
    return GroupActivity(sorted(entries, key=lambda entry: entry.at, reverse=True), decided_by)
