"""The error groups as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.errors.params import ErrorGroupParams
from dashboard.pages.errors.rows import ErrorGroupRow
from dashboard.pages.errors.views import ErrorGroupList
from dashboard.ui import formats
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics import errors
from runs.analytics.errors import MAX_ERROR_GROUPS, ErrorSums
from runs.models import Project
from runs.transfer.exports import ExportColumn

EXPORT_VALUES: dict[str, Callable[[ErrorGroupRow], Any]] = {
    "id": lambda row: str(row.group.pk),
    "status": lambda row: row.group.status,
    "code": lambda row: row.group.code,
    "message": lambda row: row.group.template,
    "state": lambda row: row.group.state,
    "regressed": lambda row: row.counted.has_regressed,
    "runs": lambda row: row.counted.sums.runs,
    "runs_before": lambda row: row.counted.previous_runs,
    "trend": lambda row: str(row.counted.trend),
    "first_seen_at": lambda row: formats.format_iso_time(row.counted.first_seen),
    "last_seen_at": lambda row: formats.format_iso_time(row.counted.last_seen),
    "total_tokens": lambda row: row.counted.sums.tokens,
    "cost_usd": lambda row: _cost_usd(row.counted.sums),
    "unpriced_runs": lambda row: row.counted.sums.unpriced_runs,
    "assistants": lambda row: len(row.assistants),
    "models": lambda row: len(row.models),
    "configurations": lambda row: row.configurations,
}


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def error_group_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`errors.json`: the groups of the address as a list, whole, and what all groups of that time come to."""
    listing = _build_list(request, project)
    found, asked = listing.found, listing.asked
    runs, is_capped = errors.count_matching_runs(project, asked.filters, listing.now)
    return downloads.json_response(
        {
            "object": "list",
            "from": formats.format_iso_time(found.time_range.since),
            "to": formats.format_iso_time(found.time_range.until),
            "runs": runs,
            "runs_capped": is_capped,
            "ended_badly": found.sums.runs,
            "groups": found.group_count,
            "total_tokens": found.sums.tokens,
            "cost_usd": _cost_usd(found.sums),
            "data": [{name: of(row) for name, of in EXPORT_VALUES.items()} for row in listing.rows],
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def error_group_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`errors.csv`: the same groups, a line each."""
    listing = _build_list(request, project)
    return downloads.csv_response(
        project, "errors", [ExportColumn(name, of) for name, of in EXPORT_VALUES.items()], listing.rows
    )


def _build_list(request: HttpRequest, project: Project) -> ErrorGroupList:
    """Raises InvalidFilter."""
    return ErrorGroupList(ErrorGroupParams.of(request, project), timezone.now(), page_size=MAX_ERROR_GROUPS)


def _cost_usd(sums: ErrorSums) -> float | None:
    return None if sums.cost is None else sums.cost / 1e9
