"""Parts of the filter controls that several list pages share: time ranges and the order of statuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.ui.time_ranges import format_time_range
from runs.models import Run
from runs.query import RunFilters, TimeExpression
from runs.query.relative_times import describe_time_range

# Statuses that need attention come first.
STATUS_ORDER = (
    Run.Status.FAILED,
    Run.Status.INCOMPLETE,
    Run.Status.EXPIRED,
    Run.Status.REQUIRES_ACTION,
    Run.Status.IN_PROGRESS,
    Run.Status.QUEUED,
    Run.Status.CANCELLING,
    Run.Status.CANCELLED,
    Run.Status.COMPLETED,
)
_STATUS_RANKS = {status.value: rank for rank, status in enumerate(STATUS_ORDER)}
# Values of the parameter `from` and their labels.
TIME_RANGES = (
    ("-1h", "Last hour"),
    ("-24h", "Last 24 hours"),
    ("-7d", "Last 7 days"),
    ("-30d", "Last 30 days"),
    ("", "All time"),
)


@dataclass(frozen=True, slots=True)
class TimeRangeOption:
    """An entry of a time range menu."""

    label: str
    url: str
    is_current: bool


def build_time_range_options(filters: RunFilters, build_url: Callable[[RunFilters], str]) -> list[TimeRangeOption]:
    """Return the entries of a time range menu, whose URLs `build_url` returns for the changed filters."""
    options = []
    for text, label in TIME_RANGES:
        changed = replace(filters, since=TimeExpression.parse(text) if text else None, until=None)
        options.append(TimeRangeOption(label, build_url(changed), is_current=changed == filters))
    return options


def format_time_range_label(options: Sequence[TimeRangeOption], filters: RunFilters, now: datetime) -> str:
    """Return the label of a closed time range menu: the current entry, or the custom times."""
    label = next((option.label for option in options if option.is_current), "")
    if label:
        return label
    since, until = filters.since, filters.until
    if any(time is not None and time.is_relative for time in (since, until)):
        text = describe_time_range(since, until)
        return text[:1].upper() + text[1:]
    begin, end = (time.resolve(now) if time else None for time in (since, until))
    return format_time_range(begin, end, now)


def status_rank(status: str) -> tuple[int, str]:
    """Return the sort key of a status. Unknown statuses sort last."""
    return _STATUS_RANKS.get(status, len(_STATUS_RANKS)), status
