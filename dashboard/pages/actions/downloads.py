"""Downloads of the actions page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.actions.action_rows import ActionRow, build_action_rows
from dashboard.pages.actions.params import ActionListParams
from dashboard.pages.actions.pending_calls import parse_pending_calls
from dashboard.web import downloads
from dashboard.web.permissions import viewer_required
from runs.analytics import actions
from runs.analytics.actions import ActionReason
from runs.models import Project, Run
from runs.transfer.exports import ExportColumn

PAGE_SIZE = 500
# Fields of a run that both formats contain under their own names.
RUN_FIELDS = ("thread_id", "assistant_id", "model", "status", "created_at", "started_at", "expires_at", "action_type")


def _run_column(name: str) -> ExportColumn:
    return ExportColumn(name, lambda row: getattr(row.run, name))


COLUMNS = (
    ExportColumn("id", lambda row: row.run.external_id),
    ExportColumn("reason", lambda row: row.reason),
    *map(_run_column, RUN_FIELDS),
    ExportColumn("last_received_at", lambda row: row.run.seen_at),
    ExportColumn("pending_functions", lambda row: row.run.pending_functions),
)


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def action_list_json(request: HttpRequest, project: Project) -> HttpResponse:
    """Return a page of the runs as JSON, with the arguments of every pending call."""
    params = ActionListParams.parse(request.GET)
    now = timezone.now()
    page = actions.fetch_actions(project, params.filters, params.reasons, now, params.cursor, PAGE_SIZE)
    counts = actions.count_actions(project, params.filters, now)
    return downloads.json_response(
        {
            "object": "list",
            "data": [_serialize_row(row) for row in build_action_rows(page.runs, "", now)],
            "counts": {reason.value: getattr(counts, reason) for reason in ActionReason},
            "counts_capped": counts.is_capped,
            "next_cursor": None if page.next_cursor is None else str(page.next_cursor),
        }
    )


@require_safe
@viewer_required
@downloads.respond_with_text_errors
def action_list_csv(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Return all of the runs as a table."""
    params = ActionListParams.parse(request.GET)
    return downloads.csv_response(project, "actions", COLUMNS, _fetch_all_rows(project, params, timezone.now()))


def _fetch_all_rows(project: Project, params: ActionListParams, now: datetime) -> Iterator[ActionRow]:
    """Yield the rows page by page, starting at the cursor of `params`."""
    while True:
        page = actions.fetch_actions(project, params.filters, params.reasons, now, params.cursor, PAGE_SIZE)
        yield from build_action_rows(page.runs, "", now)
        if page.next_cursor is None:
            return
        params = replace(params, cursor=page.next_cursor)


def _serialize_row(row: ActionRow) -> dict[str, Any]:
    run: Run = row.run
    return {
        "id": run.external_id,
        "reason": row.reason,
        **{name: getattr(run, name) for name in RUN_FIELDS},
        "last_received_at": run.seen_at,
        "calls": [
            {
                "id": call.id,
                "type": call.type,
                "name": call.name,
                "server_label": call.server,
                "arguments": call.arguments,
            }
            for call in parse_pending_calls(run)
        ],
    }
