"""The list of threads as JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.threads.params import ThreadListParams
from dashboard.pages.threads.summary import ThreadRow, fetch_thread_rows
from dashboard.web.downloads import csv_response, json_response, respond_with_text_errors
from dashboard.web.permissions import viewer_required
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.analytics.threads import fetch_recent_threads
from runs.models import Project
from runs.transfer.exports import ExportColumn

DOWNLOAD_PAGE_SIZE = 500
_DOLLARS_PER_NANO_DOLLAR = Decimal(10) ** -9


def _format_cost_usd(row: ThreadRow) -> str | None:
    """Return the cost in dollars as text, since JSON numbers may be rounded. None if no run has a price."""
    return None if row.totals.cost is None else f"{row.totals.cost * _DOLLARS_PER_NANO_DOLLAR:f}"


THREAD_COLUMNS = (
    ExportColumn("thread_id", lambda row: row.totals.thread_id),
    ExportColumn("last_status", lambda row: row.totals.last_status),
    ExportColumn("last_activity_at", lambda row: row.totals.last_at),
    # Only the newest runs of a capped thread are counted, so that its first activity is unknown.
    ExportColumn("first_activity_at", lambda row: None if row.totals.is_capped else row.totals.first_at),
    ExportColumn("runs", lambda row: row.totals.runs),
    ExportColumn("capped", lambda row: row.totals.is_capped),
    ExportColumn("failed", lambda row: row.totals.failed),
    ExportColumn("active", lambda row: row.totals.active),
    ExportColumn("tokens", lambda row: row.totals.tokens),
    ExportColumn("cost_usd", _format_cost_usd),
    ExportColumn("unpriced_runs", lambda row: row.totals.unpriced_runs),
    ExportColumn("assistant_ids", lambda row: list(row.totals.assistants)),
    ExportColumn("question", lambda row: row.question),
)


@require_safe
@viewer_required
@respond_with_text_errors
def thread_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Respond with a page of the list. `next_cursor` is null on the last page."""
    params = ThreadListParams.parse(request.GET)
    threads = fetch_recent_threads(project, params.filters, params.after, DOWNLOAD_PAGE_SIZE, MAX_SAMPLE_SIZE)
    rows = fetch_thread_rows(project, threads.ids)
    data = [{column.title: column.value(row) for column in THREAD_COLUMNS} for row in rows]
    next_cursor = str(threads.next_cursor) if threads.next_cursor else None
    return json_response({"object": "list", "data": data, "next_cursor": next_cursor})


@require_safe
@viewer_required
@respond_with_text_errors
def thread_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Respond with all matching threads, from `cursor` on."""
    params = ThreadListParams.parse(request.GET)
    return csv_response(project, "threads", THREAD_COLUMNS, _iterate_rows(project, params))


def _iterate_rows(project: Project, params: ThreadListParams) -> Iterator[ThreadRow]:
    after = params.after
    while True:
        threads = fetch_recent_threads(project, params.filters, after, DOWNLOAD_PAGE_SIZE, MAX_SAMPLE_SIZE)
        yield from fetch_thread_rows(project, threads.ids)
        if threads.next_cursor is None:
            return
        after = threads.next_cursor
