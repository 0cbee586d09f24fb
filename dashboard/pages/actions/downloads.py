"""The actions page as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.actions import action_rows
from dashboard.pages.actions.action_rows import Row
from dashboard.pages.actions.views import Asked
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.analytics import actions
from runs.analytics.actions import Need
from runs.models import Project
from runs.transfer.exports import Column

PAGE_SIZE = 500
_SHARED = ("thread_id", "assistant_id", "model", "status", "created_at", "started_at", "expires_at", "action_type")


def _of_run(name: str) -> Column:
    return Column(name, lambda row: getattr(row.run, name))


COLUMNS = (
    Column("id", lambda row: row.run.external_id),
    Column("need", lambda row: row.need),
    *map(_of_run, _SHARED),
    Column("last_received_at", lambda row: row.run.seen_at),
    Column("awaited", lambda row: row.run.awaited),
)


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`actions.json`: the runs as a list, with the arguments of every awaited call; `next_cursor` leads on."""
    asked = Asked.of(request)
    now = timezone.now()
    found = actions.page(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
    counts = actions.counts(project, asked.filters, now)
    return downloads.as_json(
        {
            "object": "list",
            "data": [_entry(row) for row in action_rows.rows(found.runs, "", now)],
            "counts": {need.value: getattr(counts, need) for need in Need},
            "counts_capped": counts.capped,
            "next_cursor": None if found.further is None else str(found.further),
        }
    )


@require_safe
@project_page
@downloads.refusing
def table(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`actions.csv`: all of them as a table, a line a run."""
    asked = Asked.of(request)
    return downloads.as_csv(project, "actions", COLUMNS, _all(project, asked, timezone.now()))


def _all(project: Project, asked: Asked, now: datetime) -> Iterator[Row]:
    """From the page that is asked for on, page by page."""
    while True:
        found = actions.page(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
        yield from action_rows.rows(found.runs, "", now)
        if found.further is None:
            return
        asked = replace(asked, after=found.further)


def _entry(row: Row) -> dict[str, Any]:
    run = row.run
    calls = [
        {"id": call.id, "type": call.type, "name": call.name, "server_label": call.server, "arguments": call.arguments}
        for call in action_rows.awaited(run)
    ]
    shared = {name: getattr(run, name) for name in _SHARED}
    return {"id": run.external_id, "need": row.need, **shared, "last_received_at": run.seen_at, "calls": calls}
