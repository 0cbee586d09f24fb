"""Which error groups a list has, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from runs.analytics.errors import ErrorGroupStats
from runs.models import ErrorGroup
from runs.query import RunFilters, TimeExpression

DEFAULT_SINCE = TimeExpression("-14d")
# In place of the name of an assignee.
UNASSIGNED = "none"


class ErrorGroupTab(StrEnum):
    """Subsets of the groups: the tabs of the page."""

    OPEN = "open"
    NEW = "new"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    ALL = "all"


class ErrorGroupSort(StrEnum):
    """The columns that the list can be sorted by, in descending order."""

    RUNS = "runs"
    LAST = "last"
    FIRST = "first"


def add_default_range(filters: RunFilters) -> RunFilters:
    """Return the filters, with the default time range if they have none."""
    return filters if filters.since or filters.until else replace(filters, since=DEFAULT_SINCE)


def is_assigned(group: ErrorGroup, assignee: str) -> bool:
    """Return whether `group` is assigned to the user with that name, to nobody for `UNASSIGNED`, always for ""."""
    return not assignee or assignee == (group.assignee.get_username() if group.assignee else UNASSIGNED)


def is_in_tab(stats: ErrorGroupStats, tab: ErrorGroupTab, now: datetime) -> bool:
    """Return whether a tab has a group. A state that has ended is open."""
    match tab:
        case ErrorGroupTab.NEW:
            return stats.is_new(now)
        case ErrorGroupTab.ALL:
            return True
        case _:
            return stats.current_state == tab.value


def sort_error_groups(groups: Iterable[ErrorGroupStats], sort: ErrorGroupSort) -> Sequence[ErrorGroupStats]:
    """Return the groups in descending order. `groups` are sorted by runs, which breaks ties."""
    match sort:
        case ErrorGroupSort.RUNS:
            return list(groups)
        case ErrorGroupSort.LAST:
            return sorted(groups, key=lambda stats: stats.last_seen, reverse=True)
        case ErrorGroupSort.FIRST:
            return sorted(groups, key=lambda stats: stats.first_seen, reverse=True)
