"""What waits for somebody: awaited outputs and approvals, and runs that should have ended or gone silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.actions import action_rows
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics import actions
from runs.analytics.actions import ActionCounts, ActionReason
from runs.db.keyset_pagination import Cursor
from runs.errors import Problem
from runs.models import Assistant, Project
from runs.query import RunFilters
from runs.query.order import parse_cursor

PAGE_SIZE = 25
FRAGMENT_TEMPLATES = {"pending": "actions/_pending.html"}
_LABELS: dict[ActionReason | None, str] = {
    None: "All",
    ActionReason.WAITING: "Waiting",
    ActionReason.OVERDUE: "Past expiry",
    ActionReason.SILENT: "Silent",
}


@dataclass(frozen=True, slots=True)
class ActionListParams:
    """What the address asks for: which runs, under which heading (None: each), from where on."""

    filters: RunFilters
    need: ActionReason | None = None
    after: Cursor | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> ActionListParams:
        """Raises InvalidFilter."""
        filters = RunFilters.parse_params(dict(request.GET.lists()), extra_params=("show", "cursor"))
        show, cursor = query_params.read_query_param(request, "show"), query_params.read_query_param(request, "cursor")
        if show is not None and show not in list(ActionReason):
            raise query_params.build_params_error(Problem("show", f"known are {', '.join(ActionReason)}"))
        return cls(
            filters,
            None if show is None else ActionReason(show),
            None if cursor is None else parse_cursor(cursor, actions.OLDEST_FIRST),
        )

    @property
    def needs(self) -> tuple[ActionReason, ...]:
        return tuple(ActionReason) if self.need is None else (self.need,)

    @property
    def query(self) -> str:
        """The query string of the same, "" for what is usual."""
        beside = {"show": self.need, "cursor": self.after}
        own = urlencode({name: value for name, value in beside.items() if value is not None})
        whole = "&".join(filter(None, (self.filters.to_query_string(), own)))
        return f"?{whole}" if whole else ""


@dataclass(frozen=True, slots=True)
class ActionTab:
    """A heading, how many runs stand under it, and where they are listed alone."""

    label: str
    count: int
    url: str
    current: bool


@require_safe
@viewer_required
@handle_invalid_params
def action_list(request: HttpRequest, project: Project) -> HttpResponse:
    """`actions/`: the runs that need somebody, the oldest first. It asks for itself again every few seconds."""
    asked = ActionListParams.of(request)
    now, path = timezone.now(), reverse("actions", kwargs={"project": project.slug})
    found = actions.fetch_actions(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
    counts = actions.count_actions(project, asked.filters, now)
    names = Assistant.objects.names_by_id(project, {run.assistant_id for run in found.runs})
    context = {
        "project": project,
        "asked": asked,
        "filters": asked.filters,
        "rows": action_rows.build_action_rows(
            found.runs, reverse("runs", kwargs={"project": project.slug}), now, names
        ),
        "counts": counts,
        "tabs": list(_tabs(asked, counts, path)),
        "here": path + asked.query,
        "further": path + replace(asked, after=found.next_cursor).query if found.next_cursor else "",
        "first": path + replace(asked, after=None).query,
        "all": path,
        "most": actions.MAX_COUNTED_ACTIONS,
        "query": asked.query,
        "kept": [pair for pair in asked.filters.to_params() if pair[0] != "q"],
    }
    return htmx.render_page(request, "actions/page.html", context, FRAGMENT_TEMPLATES)


def _tabs(asked: ActionListParams, counts: ActionCounts, path: str) -> Iterator[ActionTab]:
    for need, label in _LABELS.items():
        url = path + replace(asked, need=need, after=None).query
        yield ActionTab(label, counts.total if need is None else getattr(counts, need), url, current=asked.need == need)
