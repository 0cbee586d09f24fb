"""The list of assistants as files."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.assistants.assistant_rows import AssistantList, AssistantRow
from dashboard.pages.assistants.views import AssistantListParams
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.transfer.exports import ExportColumn

_NANO = Decimal(10) ** -9


def _of_totals(name: str) -> ExportColumn:
    return ExportColumn(name, lambda row: getattr(row.totals, name))


ASSISTANT_COLUMNS = (
    _of_totals("assistant_id"),
    ExportColumn("name", lambda row: row.name),
    *map(_of_totals, ("runs", "failed")),
    _of_totals("tokens"),
    ExportColumn("cost_dollars", lambda row: _cost(row)),
    _of_totals("unpriced_tokens"),
    ExportColumn("configurations", lambda row: row.configurations),
    ExportColumn("last_run_at", lambda row: row.last_at),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def assistant_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`assistants.json`: all in the order of the page. `count` of them there are; `capped`: of the newest runs only."""
    found = _asked(request, project)
    overview = found.overview
    data = [{column.title: column.value(row) for column in ASSISTANT_COLUMNS} for row in found.rows()]
    return downloads.json_response(
        {"object": "list", "data": data, "count": overview.count, "capped": overview.is_capped}
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def assistant_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`assistants.csv`: the same as a table."""
    found = _asked(request, project)
    return downloads.csv_response(project, "assistants", ASSISTANT_COLUMNS, found.rows())


def _asked(request: HttpRequest, project: Project) -> AssistantList:
    """Raises InvalidFilter."""
    asked = AssistantListParams.of(request)
    return AssistantList.of(project, asked.filters, asked.sort, timezone.now())


def _cost(row: AssistantRow) -> Any:
    """Of what has a price, as text, since a number would be rounded; None where nothing has."""
    return f"{row.totals.cost * _NANO:f}" if row.totals.cost else None
