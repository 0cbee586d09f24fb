"""Error groups as JSON, for the REST API. Its OpenAPI document is generated from the types in this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from runs.analytics.error_group_states import fetch_state_ends
from runs.analytics.errors import (
    ErrorGroupReport,
    ErrorGroupStats,
    ErrorSums,
    ErrorTrend,
    fetch_error_groups,
    fetch_first_and_last_seen,
)
from runs.analytics.usage import nano_to_usd
from runs.models import ErrorGroup, ErrorGroupEvent, Project
from runs.query import RunFilters

_Count = Annotated[int, Meta(ge=0)]
_Timestamp = Annotated[datetime, Meta(tz=True)]


class ErrorGroupDocument(Struct, forbid_unknown_fields=True, kw_only=True):
    """An error group: what its runs have in common, what the team decided, and the numbers of the time range."""

    id: str
    status: str
    code: str | None
    message: Annotated[str, Meta(description="With placeholders for the parts that differ between runs.")]
    query: Annotated[str, Meta(description="Finds its runs, as `q` of `GET /api/v1/runs`.")]
    state: Annotated[str, Meta(description="The last decision: open, resolved or ignored.")]
    current_state: Annotated[str, Meta(description="`state`, or open if that has ended, as by a regression.")]
    regressed: Annotated[bool, Meta(description="Whether it occurred again after it was resolved or ignored.")]
    state_changed_at: _Timestamp | None
    ignored_until: Annotated[str, Meta(description="forever, runs, date or regression.")]
    ignored_until_runs: int | None
    ignored_until_at: _Timestamp | None
    assignee: Annotated[str | None, Meta(description="The name of a user.")]
    runs: Annotated[_Count, Meta(description="In the time range.")]
    runs_before: Annotated[_Count, Meta(description="In the period before, which is as long.")]
    trend: Annotated[str, Meta(description="new, back, up, down, steady or unknown.")]
    first_seen_at: Annotated[datetime, Meta(tz=True, description="Of all runs, in and out of the time range.")]
    last_seen_at: _Timestamp
    total_tokens: int | None
    cost_usd: float | None
    unpriced_runs: _Count


class ErrorGroupListDocument(
    Struct,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="object",
    tag="list",
    rename={"since": "from", "until": "to"},
):
    """The error groups of a time range that match."""

    data: list[ErrorGroupDocument]
    has_more: Annotated[bool, Meta(description="Whether more groups match than `limit`.")]
    since: _Timestamp
    until: _Timestamp
    unsuccessful_runs: Annotated[_Count, Meta(description="In the time range, of all groups.")]
    groups: Annotated[_Count, Meta(description="In the time range, whatever their state and assignee.")]


class ErrorGroupEventDocument(Struct, forbid_unknown_fields=True):
    """A decision that the team has made."""

    at: _Timestamp
    by: Annotated[str, Meta(description="The name of the user, or of the API key.")]
    action: Annotated[str, Meta(description="Completes a sentence that begins with the name.")]


class ErrorGroupDetailDocument(ErrorGroupDocument, forbid_unknown_fields=True, kw_only=True):
    """An error group with its newest decisions."""

    events: list[ErrorGroupEventDocument]


def serialize_error_groups(
    report: ErrorGroupReport, groups: Sequence[ErrorGroupStats], *, has_more: bool
) -> ErrorGroupListDocument:
    """Return the document of `groups`, which are some of those of `report`."""
    return ErrorGroupListDocument(
        data=[ErrorGroupDocument(**_describe(stats)) for stats in groups],
        has_more=has_more,
        since=report.time_range.since,
        until=report.time_range.until,
        unsuccessful_runs=report.sums.runs,
        groups=report.group_count,
    )


def fetch_error_group_document(
    project: Project, group: ErrorGroup, filters: RunFilters, now: datetime
) -> ErrorGroupDetailDocument:
    """Return the document of `group` with the numbers of its runs that match `filters`."""
    report = fetch_error_groups(project, filters, now, only=group.pk)
    stats = report.groups[0] if report.groups else _build_empty_stats(group, now)
    events = [
        ErrorGroupEventDocument(event.at, event.user_name, event.action)
        for event in ErrorGroupEvent.objects.newest(group)
    ]
    return ErrorGroupDetailDocument(**_describe(stats), events=events)


def _build_empty_stats(group: ErrorGroup, now: datetime) -> ErrorGroupStats:
    """Return the numbers of a group of which no run matches."""
    first_seen, last_seen = fetch_first_and_last_seen(group.pk) or (group.first_seen_at, group.first_seen_at)
    end = fetch_state_ends([group], now).get(group.pk)
    return ErrorGroupStats(group, ErrorSums(0, None, None, 0), 0, ErrorTrend.UNKNOWN, first_seen, last_seen, end)


def _describe(stats: ErrorGroupStats) -> dict[str, Any]:
    group = stats.group
    return {
        "id": str(group.pk),
        "status": group.status,
        "code": group.code,
        "message": group.template,
        "query": f"error_group:{group.pk.hex}",
        "state": group.state,
        "current_state": stats.current_state.value,
        "regressed": stats.has_regressed,
        "state_changed_at": group.state_changed_at,
        "ignored_until": group.ignored_until,
        "ignored_until_runs": group.ignored_until_runs,
        "ignored_until_at": group.ignored_until_at,
        "assignee": group.assignee.get_username() if group.assignee else None,
        "runs": stats.sums.runs,
        "runs_before": stats.previous_runs,
        "trend": stats.trend.value,
        "first_seen_at": stats.first_seen,
        "last_seen_at": stats.last_seen,
        "total_tokens": stats.sums.tokens,
        "cost_usd": nano_to_usd(stats.sums.cost),
        "unpriced_runs": stats.sums.unpriced_runs,
    }
