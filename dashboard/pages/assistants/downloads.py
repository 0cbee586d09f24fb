"""The list of assistants as JSON and CSV."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.assistants.assistant_rows import AssistantList, AssistantRow
from dashboard.pages.assistants.params import AssistantListParams
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.transfer.exports import ExportColumn

_DOLLARS_PER_NANO_DOLLAR = Decimal(10) ** -9


def _format_cost_usd(row: AssistantRow) -> str | None:
    """Return the cost in dollars as text, since JSON numbers may be rounded; None if no run has a price."""
    return f"{row.totals.cost * _DOLLARS_PER_NANO_DOLLAR:f}" if row.totals.cost else None


ASSISTANT_COLUMNS = (
    ExportColumn("assistant_id", lambda row: row.totals.assistant_id),
    ExportColumn("name", lambda row: row.name),
    ExportColumn("runs", lambda row: row.totals.runs),
    ExportColumn("failed", lambda row: row.totals.failed),
    ExportColumn("tokens", lambda row: row.totals.tokens),
    ExportColumn("cost_usd", _format_cost_usd),
    ExportColumn("unpriced_tokens", lambda row: row.totals.unpriced_tokens),
    ExportColumn("configurations", lambda row: row.configurations),
    ExportColumn("last_run_at", lambda row: row.last_run_at),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def assistant_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Return all assistants of the list. `count` is their number; `capped`: only the newest runs are counted."""
    listed = _fetch_list(request, project)
    data = [{column.title: column.value(row) for column in ASSISTANT_COLUMNS} for row in listed.fetch_rows()]
    overview = listed.overview
    return downloads.json_response(
        {"object": "list", "data": data, "count": overview.count, "capped": overview.is_capped}
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def assistant_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Return all assistants of the list as CSV."""
    listed = _fetch_list(request, project)
    return downloads.csv_response(project, "assistants", ASSISTANT_COLUMNS, listed.fetch_rows())


def _fetch_list(request: HttpRequest, project: Project) -> AssistantList:
    params = AssistantListParams.parse(request.GET)
    return AssistantList.fetch(project, params.filters, params.sort, timezone.now())
