"""The assistants of a project, by what their runs come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.assistants import assistant_rows
from dashboard.pages.assistants.assistant_rows import DEFAULT_ASSISTANT_SORT, AssistantList, AssistantSort
from dashboard.ui.filter_controls import TIME_RANGES, FilterToken, TimeRangeOption
from dashboard.ui.sort_headers import SortHeader
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics import assistants
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.errors import Problem
from runs.models import Project
from runs.query import RunFilters, TimeExpression

TEMPLATE = "assistants/page.html"
FRAGMENTS = {"assistants": "assistants/_assistants.html"}
# Heads in the order of columns; a name is sorted from its beginning at the first click, numbers from the most.
_LABELS = {
    "name": "Assistant",
    "last": "Last run",
    "runs": "Runs",
    "failed": "Failed",
    "tokens": "Tokens",
    "cost": "Cost, est.",
}


@dataclass(frozen=True, slots=True)
class AssistantListParams:
    """What the address asks for: of which runs, in which order, which page."""

    filters: RunFilters
    sort: AssistantSort = DEFAULT_ASSISTANT_SORT
    page: int = 1

    @classmethod
    def of(cls, request: HttpRequest) -> AssistantListParams:
        """Raises InvalidFilter."""
        filters = RunFilters.from_query(dict(request.GET.lists()), extra_params=("sort", "page"))
        sort, page = (
            query_params.read_query_param(request, "sort"),
            query_params.read_query_param(request, "page") or "1",
        )
        if not page.isdecimal() or len(page) > 4 or int(page) < 1:
            raise query_params.build_params_error(Problem("page", "expected a number from 1 on"))
        return cls(filters, DEFAULT_ASSISTANT_SORT if sort is None else AssistantSort.parse(sort), int(page))

    @property
    def query(self) -> str:
        """The query string of the same, "" for what is usual."""
        beside = [("sort", str(self.sort))] if self.sort != DEFAULT_ASSISTANT_SORT else []
        beside += [("page", str(self.page))] if self.page > 1 else []
        whole = "&".join(filter(None, (self.filters.query(), urlencode(beside))))
        return f"?{whole}" if whole else ""


@require_safe
@viewer_required
@handle_invalid_params
def assistant_list(request: HttpRequest, project: Project) -> HttpResponse:
    """`assistants/`: those of the runs that match, the busiest first unless `sort` says otherwise."""
    asked = AssistantListParams.of(request)
    found = AssistantList.of(project, asked.filters, asked.sort, timezone.now())
    if asked.page > found.pages:
        raise query_params.build_params_error(Problem("page", f"there are {found.pages}"))
    return htmx.render_page(request, TEMPLATE, _context(project, asked, found), FRAGMENTS)


def _context(project: Project, asked: AssistantListParams, found: AssistantList) -> dict[str, Any]:
    path = reverse("assistants", kwargs={"project": project.slug})
    ranges = _ranges(asked, path)
    return {
        "project": project,
        "filters": asked.filters,
        "roster": found,
        "rows": found.rows(asked.page),
        "heads": _heads(asked, path),
        "ranges": ranges,
        "known_range": any(each.is_current for each in ranges),
        "tokens": _tokens(asked, path),
        "all": path,
        "query": replace(asked, page=1).query,
        "further": path + replace(asked, page=asked.page + 1).query if asked.page < found.pages else "",
        "before": path + replace(asked, page=asked.page - 1).query if asked.page > 1 else "",
        "number": asked.page,
        "sort": "" if asked.sort == DEFAULT_ASSISTANT_SORT else str(asked.sort),
        "most_counted": MAX_SAMPLE_SIZE,
        "most_configurations": assistants.MAX_COUNTED_CONFIGURATIONS,
        "page_size": assistant_rows.ASSISTANT_PAGE_SIZE,
    }


def _tokens(asked: AssistantListParams, path: str) -> list[FilterToken]:
    """What is filtered by beside the query, and the same without each of it."""
    moments = {"from": "since", "to": "until"}
    tokens = []
    for name, value in replace(asked.filters, q=None).pairs():
        is_moment = name in moments
        wider = asked.filters.without(moments[name]) if is_moment else asked.filters.toggle(name, value)
        tokens.append(FilterToken(name, value, path + replace(asked, filters=wider, page=1).query))
    return tokens


def _heads(asked: AssistantListParams, path: str) -> list[tuple[str, str, SortHeader]]:
    return [(by, label, _head(by, asked, path)) for by, label in _LABELS.items()]


def _head(by: str, asked: AssistantListParams, path: str) -> SortHeader:
    sort = asked.sort
    if by != sort.by:
        return SortHeader(path + replace(asked, sort=AssistantSort(by, descending=by != "name"), page=1).query)
    direction, arrow = ("descending", "↓") if sort.descending else ("ascending", "↑")
    return SortHeader(
        path + replace(asked, sort=AssistantSort(by, descending=not sort.descending), page=1).query, direction, arrow
    )


def _ranges(asked: AssistantListParams, path: str) -> list[TimeRangeOption]:
    """The same over another time."""
    moments = [(TimeExpression.parse(text) if text else None, label) for text, label in TIME_RANGES]
    states = [(replace(asked.filters, since=since, until=None), label) for since, label in moments]
    return [
        TimeRangeOption(label, path + replace(asked, filters=each, page=1).query, each == asked.filters)
        for each, label in states
    ]
