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
from dashboard.pages.actions.action_rows import ActionRow
from dashboard.pages.actions.views import ActionListParams
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics import actions
from runs.analytics.actions import ActionReason
from runs.models import Project
from runs.transfer.exports import ExportColumn

PAGE_SIZE = 500
_SHARED = ("thread_id", "assistant_id", "model", "status", "created_at", "started_at", "expires_at", "action_type")


def _of_run(name: str) -> ExportColumn:
    return ExportColumn(name, lambda row: getattr(row.run, name))


COLUMNS = (
    ExportColumn("id", lambda row: row.run.external_id),
    ExportColumn("need", lambda row: row.need),
    *map(_of_run, _SHARED),
    ExportColumn("last_received_at", lambda row: row.run.seen_at),
    ExportColumn("awaited", lambda row: row.run.awaited),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def action_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """`actions.json`: the runs as a list, with the arguments of every awaited call; `next_cursor` leads on."""
    asked = ActionListParams.of(request)
    now = timezone.now()
    found = actions.fetch_actions(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
    counts = actions.count_actions(project, asked.filters, now)
    return downloads.json_response(
        {
            "object": "list",
            "data": [_entry(row) for row in action_rows.build_action_rows(found.runs, "", now)],
            "counts": {need.value: getattr(counts, need) for need in ActionReason},
            "counts_capped": counts.is_capped,
            "next_cursor": None if found.next_cursor is None else str(found.next_cursor),
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def action_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`actions.csv`: all of them as a table, a line a run."""
    asked = ActionListParams.of(request)
    return downloads.csv_response(project, "actions", COLUMNS, _all(project, asked, timezone.now()))


def _all(project: Project, asked: ActionListParams, now: datetime) -> Iterator[ActionRow]:
    """From the page that is asked for on, page by page."""
    while True:
        found = actions.fetch_actions(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
        yield from action_rows.build_action_rows(found.runs, "", now)
        if found.next_cursor is None:
            return
        asked = replace(asked, after=found.next_cursor)


def _entry(row: ActionRow) -> dict[str, Any]:
    run = row.run
    calls = [
        {"id": call.id, "type": call.type, "name": call.name, "server_label": call.server, "arguments": call.arguments}
        for call in action_rows.parse_pending_calls(run)
    ]
    shared = {name: getattr(run, name) for name in _SHARED}
    return {"id": run.external_id, "need": row.need, **shared, "last_received_at": run.seen_at, "calls": calls}
