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
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import project_page
from runs.analytics import actions
from runs.analytics.actions import Counts, Need
from runs.errors import Problem
from runs.models import Assistant, Project
from runs.query import Cursor, RunFilters

PAGE_SIZE = 25
FRAGMENTS = {"pending": "actions/_pending.html"}
_LABELS: dict[Need | None, str] = {
    None: "All",
    Need.WAITING: "Waiting",
    Need.OVERDUE: "Past expiry",
    Need.SILENT: "Silent",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: which runs, under which heading (None: each), from where on."""

    filters: RunFilters
    need: Need | None = None
    after: Cursor | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        """Raises InvalidFilter."""
        filters = RunFilters.from_query(dict(request.GET.lists()), also=("show", "cursor"))
        show, cursor = query_params.one(request, "show"), query_params.one(request, "cursor")
        if show is not None and show not in list(Need):
            raise query_params.invalid(Problem("show", f"known are {', '.join(Need)}"))
        return cls(
            filters,
            None if show is None else Need(show),
            None if cursor is None else Cursor.parse(cursor, actions.OLDEST_FIRST),
        )

    @property
    def needs(self) -> tuple[Need, ...]:
        return tuple(Need) if self.need is None else (self.need,)

    @property
    def query(self) -> str:
        """The query string of the same, "" for what is usual."""
        beside = {"show": self.need, "cursor": self.after}
        own = urlencode({name: value for name, value in beside.items() if value is not None})
        whole = "&".join(filter(None, (self.filters.query(), own)))
        return f"?{whole}" if whole else ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A heading, how many runs stand under it, and where they are listed alone."""

    label: str
    count: int
    url: str
    current: bool


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """`actions/`: the runs that need somebody, the oldest first. It asks for itself again every few seconds."""
    asked = Asked.of(request)
    now, path = timezone.now(), reverse("actions", kwargs={"project": project.slug})
    found = actions.page(project, asked.filters, asked.needs, now, asked.after, PAGE_SIZE)
    counts = actions.counts(project, asked.filters, now)
    names = Assistant.objects.names(project, {run.assistant_id for run in found.runs})
    context = {
        "project": project,
        "asked": asked,
        "filters": asked.filters,
        "rows": action_rows.rows(found.runs, reverse("runs", kwargs={"project": project.slug}), now, names),
        "counts": counts,
        "tabs": list(_tabs(asked, counts, path)),
        "here": path + asked.query,
        "further": path + replace(asked, after=found.further).query if found.further else "",
        "first": path + replace(asked, after=None).query,
        "all": path,
        "most": actions.MOST_COUNTED,
        "query": asked.query,
        "kept": [pair for pair in asked.filters.pairs() if pair[0] != "q"],
    }
    return htmx.render_page(request, "actions/page.html", context, FRAGMENTS)


def _tabs(asked: Asked, counts: Counts, path: str) -> Iterator[Tab]:
    for need, label in _LABELS.items():
        url = path + replace(asked, need=need, after=None).query
        yield Tab(label, counts.total if need is None else getattr(counts, need), url, current=asked.need == need)
