"""The list of error groups as JSON and CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.errors.group_list import fetch_error_group_list
from dashboard.pages.errors.group_rows import ErrorGroupRow
from dashboard.pages.errors.params import ErrorGroupListParams
from dashboard.ui import formats
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics.errors import MAX_ERROR_GROUPS, ErrorSums, count_matching_runs
from runs.models import Project, User
from runs.transfer.exports import ExportColumn

EXPORT_VALUES: dict[str, Callable[[ErrorGroupRow], Any]] = {
    "id": lambda row: str(row.group.pk),
    "status": lambda row: row.group.status,
    "code": lambda row: row.group.code,
    "message": lambda row: row.group.template,
    "state": lambda row: row.group.state,
    "regressed": lambda row: row.stats.has_regressed,
    "current_state": lambda row: str(row.stats.current_state),
    "ignored_until": lambda row: row.group.ignored_until,
    "ignored_until_runs": lambda row: row.group.ignored_until_runs,
    "ignored_until_at": lambda row: row.group.ignored_until_at,
    "assignee": lambda row: row.group.assignee and row.group.assignee.get_username(),
    "runs": lambda row: row.stats.sums.runs,
    "runs_before": lambda row: row.stats.previous_runs,
    "trend": lambda row: str(row.stats.trend),
    "first_seen_at": lambda row: formats.format_iso_time(row.stats.first_seen),
    "last_seen_at": lambda row: formats.format_iso_time(row.stats.last_seen),
    "total_tokens": lambda row: row.stats.sums.tokens,
    "cost_usd": lambda row: _get_cost_usd(row.stats.sums),
    "unpriced_runs": lambda row: row.stats.sums.unpriced_runs,
    "assistants": lambda row: len(row.assistants),
    "models": lambda row: len(row.models),
    "configurations": lambda row: row.configuration_count,
}


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def error_group_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Return `errors.json`: all groups of the list, and the totals of the time range."""
    params = ErrorGroupListParams.parse(request.GET)
    now = timezone.now()
    groups = fetch_error_group_list(project, params, now, MAX_ERROR_GROUPS, cast(User, request.user).get_username())
    report = groups.report
    total_runs, is_total_capped = count_matching_runs(project, params.effective_filters, now)
    return downloads.json_response(
        {
            "object": "list",
            "from": formats.format_iso_time(report.time_range.since),
            "to": formats.format_iso_time(report.time_range.until),
            "runs": total_runs,
            "runs_capped": is_total_capped,
            "unsuccessful_runs": report.sums.runs,
            "groups": report.group_count,
            "total_tokens": report.sums.tokens,
            "cost_usd": _get_cost_usd(report.sums),
            "data": [{name: get_value(row) for name, get_value in EXPORT_VALUES.items()} for row in groups.rows],
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def error_group_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Return `errors.csv`: all groups of the list."""
    params = ErrorGroupListParams.parse(request.GET)
    reader = cast(User, request.user).get_username()
    groups = fetch_error_group_list(project, params, timezone.now(), MAX_ERROR_GROUPS, reader)
    columns = [ExportColumn(name, get_value) for name, get_value in EXPORT_VALUES.items()]
    return downloads.csv_response(project, "errors", columns, groups.rows)


def _get_cost_usd(sums: ErrorSums) -> float | None:
    return None if sums.cost is None else sums.cost / 1e9
