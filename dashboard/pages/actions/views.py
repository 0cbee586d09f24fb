"""The actions page: runs that wait for tool outputs or an approval, are past their expiry, or have gone silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.actions.action_rows import build_action_rows
from dashboard.pages.actions.params import ActionListParams
from dashboard.ui.run_list_address import run_list_path
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.query_control import QueryControl
from runs.analytics import actions
from runs.analytics.actions import ActionCounts, ActionReason
from runs.models import Assistant, Project
from runs.models.run import ACTIVE_STATUSES
from runs.query import RunFilters

PAGE_SIZE = 25
FRAGMENT_TEMPLATES = {"pending": "pages/actions/_update.html"}
TAB_LABELS: dict[ActionReason | None, str] = {
    None: "All",
    ActionReason.WAITING: "Waiting",
    ActionReason.SILENT: "No updates",
    ActionReason.OVERDUE: "Expired",
}


@dataclass(frozen=True, slots=True)
class ActionTab:
    """A tab with its number of runs."""

    label: str
    count: int
    url: str
    is_current: bool


@require_safe
@viewer_required
@handle_invalid_params
def action_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the runs that need action. The page polls this view."""
    params = ActionListParams.parse(request.GET)
    now, path = timezone.now(), reverse("actions", kwargs={"project": project.slug})
    page = actions.fetch_actions(project, params.filters, params.reasons, now, params.cursor, PAGE_SIZE)
    counts = actions.count_actions(project, params.filters, now)
    assistant_names = Assistant.objects.names_by_id(project, {run.assistant_id for run in page.runs})
    context = {
        "project": project,
        "params": params,
        "filters": params.filters,
        "query_field": _build_query_field(params, path),
        "rows": build_action_rows(page.runs, run_list_path(project), now, assistant_names),
        "counts": counts,
        "max_counted": actions.MAX_COUNTED_ACTIONS,
        "tabs": list(_build_tabs(params, counts, path)),
        "list_url": path,
        "query_string": params.query_string(),
        "page_url": path + params.query_string(),
        "first_url": path + params.query_string(cursor=None),
        "next_url": path + params.query_string(cursor=page.next_cursor) if page.next_cursor else "",
    }
    return htmx.render_page(request, "pages/actions/list.html", context, FRAGMENT_TEMPLATES)


def _build_query_field(params: ActionListParams, path: str) -> QueryControl:
    return QueryControl(
        "Runs",
        path,
        params.filters,
        lambda filters: path + params.query_string(filters=filters, cursor=None),
        other_params=(("show", params.reason),) if params.reason else (),
        scope=RunFilters(status=ACTIVE_STATUSES),
        has_time_menu=False,
        placeholder="awaiting:issue_refund assistant:asst_returns",
    )


def _build_tabs(params: ActionListParams, counts: ActionCounts, path: str) -> Iterator[ActionTab]:
    for reason, label in TAB_LABELS.items():
        count = counts.total if reason is None else getattr(counts, reason)
        url = path + params.query_string(reason=reason, cursor=None)
        yield ActionTab(label, count, url, is_current=params.reason == reason)
