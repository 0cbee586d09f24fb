"""The list of assistants as files."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.assistants.assistant_rows import Roster, Row
from dashboard.pages.assistants.views import Asked
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.models import Project
from runs.transfer.exports import Column

_NANO = Decimal(10) ** -9


def _of_totals(name: str) -> Column:
    return Column(name, lambda row: getattr(row.totals, name))


COLUMNS = (
    _of_totals("assistant_id"),
    Column("name", lambda row: row.name),
    *map(_of_totals, ("runs", "failed")),
    _of_totals("tokens"),
    Column("cost_dollars", lambda row: _cost(row)),
    _of_totals("unpriced_tokens"),
    Column("configurations", lambda row: row.configurations),
    Column("last_run_at", lambda row: row.last_at),
)


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`assistants.json`: all in the order of the page. `count` of them there are; `capped`: of the newest runs only."""
    found = _asked(request, project)
    overview = found.overview
    data = [{column.title: column.value(row) for column in COLUMNS} for row in found.rows()]
    return downloads.as_json({"object": "list", "data": data, "count": overview.count, "capped": overview.capped})


@require_safe
@project_page
@downloads.refusing
def table(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`assistants.csv`: the same as a table."""
    found = _asked(request, project)
    return downloads.as_csv(project, "assistants", COLUMNS, found.rows())


def _asked(request: HttpRequest, project: Project) -> Roster:
    """Raises InvalidFilter."""
    asked = Asked.of(request)
    return Roster.of(project, asked.filters, asked.sort, timezone.now())


def _cost(row: Row) -> Any:
    """Of what has a price, as text, since a number would be rounded; None where nothing has."""
    return f"{row.totals.cost * _NANO:f}" if row.totals.cost else None
