"""The list of threads as files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.threads.views import asked_of_list, rows
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.analytics import threads
from runs.analytics.recent_sample import MOST_COUNTED
from runs.models import Project
from runs.query import Cursor, RunFilters
from runs.transfer.exports import Column

PAGE_SIZE = 500
_NANO = Decimal(10) ** -9


def _of_totals(name: str) -> Column:
    return Column(name, lambda row: getattr(row.totals, name))


COLUMNS = (
    _of_totals("thread_id"),
    _of_totals("last_status"),
    Column("last_activity_at", lambda row: row.totals.last_at),
    Column("first_activity_at", lambda row: None if row.totals.capped else row.totals.first_at),
    *map(_of_totals, ("runs", "capped", "failed", "active", "tokens")),
    Column("cost_dollars", lambda row: _cost(row.totals.cost)),
    Column("unpriced_runs", lambda row: row.totals.unpriced),
    Column("assistant_ids", lambda row: list(row.totals.assistants)),
)


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`threads.json`: a page of the list. `cursor` leads to the next one, null at the end.

    `capped`: of that thread, only the newest runs were counted.
    """
    filters, after = asked_of_list(request)
    found = threads.heads(project, filters, after, PAGE_SIZE, MOST_COUNTED)
    data = [{column.title: column.value(row) for column in COLUMNS} for row in rows(project, found.ids)]
    further = str(found.further) if found.further else None
    return downloads.as_json({"object": "list", "data": data, "cursor": further})


@require_safe
@project_page
@downloads.refusing
def table(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`threads.csv`: all that match, page by page; `cursor` is where it begins."""
    filters, after = asked_of_list(request)
    return downloads.as_csv(project, "threads", COLUMNS, _all(project, filters, after))


def _all(project: Project, filters: RunFilters, after: Cursor | None) -> Iterator[Any]:
    while True:
        found = threads.heads(project, filters, after, PAGE_SIZE, MOST_COUNTED)
        yield from rows(project, found.ids)
        if found.further is None:
            return
        after = found.further


def _cost(nano: int | None) -> str | None:
    """As text, since a number would be rounded; None where nothing has a price."""
    return None if nano is None else f"{nano * _NANO:f}"
