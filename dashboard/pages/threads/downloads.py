"""The list of threads as files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.threads.views import fetch_thread_rows, parse_thread_list_params
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics import threads
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.db.keyset_pagination import Cursor
from runs.models import Project
from runs.query import RunFilters
from runs.transfer.exports import ExportColumn

PAGE_SIZE = 500
_NANO = Decimal(10) ** -9


def _of_totals(name: str) -> ExportColumn:
    return ExportColumn(name, lambda row: getattr(row.totals, name))


COLUMNS = (
    _of_totals("thread_id"),
    _of_totals("last_status"),
    ExportColumn("last_activity_at", lambda row: row.totals.last_at),
    ExportColumn("first_activity_at", lambda row: None if row.totals.is_capped else row.totals.first_at),
    _of_totals("runs"),
    ExportColumn("capped", lambda row: row.totals.is_capped),
    *map(_of_totals, ("failed", "active", "tokens")),
    ExportColumn("cost_dollars", lambda row: _cost(row.totals.cost)),
    ExportColumn("unpriced_runs", lambda row: row.totals.unpriced_runs),
    ExportColumn("assistant_ids", lambda row: list(row.totals.assistants)),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def thread_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`threads.json`: a page of the list. `cursor` leads to the next one, null at the end.

    `capped`: of that thread, only the newest runs were counted.
    """
    filters, after = parse_thread_list_params(request)
    found = threads.fetch_recent_threads(project, filters, after, PAGE_SIZE, MAX_SAMPLE_SIZE)
    data = [{column.title: column.value(row) for column in COLUMNS} for row in fetch_thread_rows(project, found.ids)]
    further = str(found.next_cursor) if found.next_cursor else None
    return downloads.json_response({"object": "list", "data": data, "cursor": further})


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def thread_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`threads.csv`: all that match, page by page; `cursor` is where it begins."""
    filters, after = parse_thread_list_params(request)
    return downloads.csv_response(project, "threads", COLUMNS, _all(project, filters, after))


def _all(project: Project, filters: RunFilters, after: Cursor | None) -> Iterator[Any]:
    while True:
        found = threads.fetch_recent_threads(project, filters, after, PAGE_SIZE, MAX_SAMPLE_SIZE)
        yield from fetch_thread_rows(project, found.ids)
        if found.next_cursor is None:
            return
        after = found.next_cursor


def _cost(nano: int | None) -> str | None:
    """As text, since a number would be rounded; None where nothing has a price."""
    return None if nano is None else f"{nano * _NANO:f}"
