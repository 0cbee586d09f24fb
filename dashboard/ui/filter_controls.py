"""Parts of the filter controls that several list pages share: time ranges and the order of statuses."""

from __future__ import annotations

from dataclasses import dataclass

from runs.models import Run

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


def status_rank(status: str) -> tuple[int, str]:
    """Return the sort key of a status. Unknown statuses sort last."""
    return _STATUS_RANKS.get(status, len(_STATUS_RANKS)), status
