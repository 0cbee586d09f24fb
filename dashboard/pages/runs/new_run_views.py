"""What happened since the run list was read: how many runs are new, and how active ones have changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.runs.views import fetch_run_rows
from dashboard.ui import run_columns
from dashboard.ui.filter_controls import RunListAddress
from dashboard.ui.run_list_address import LIST_PARAMS, parse_run_list_address, run_list_path
from dashboard.web.permissions import viewer_required
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter
from runs.models import Project, Run, User
from runs.query import RunFilters, TimeExpression

MAX_COUNT = 99
MAX_ACTIVE_RUNS = 200
FRAGMENT = "runs/_news.html"
BESIDE = (*LIST_PARAMS, "after", "known", "active")


@dataclass(frozen=True, slots=True)
class NewRunsParams:
    """What is asked again and again: new runs since a moment, and some runs by their stored ids."""

    filters: RunFilters
    address: RunListAddress
    after: datetime
    known: str
    active: list[uuid.UUID]


@require_safe
@viewer_required
def new_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """The number of new runs, announced when it has changed, and the rows of `active` runs as they are now."""
    query = dict(request.GET.lists())
    now = timezone.now()
    try:
        watched = _watched(project, query, now)
    except (InvalidFilter, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    runs = Run.objects.in_project(project)
    count = watched.filters.apply(runs).received_after(watched.after).count_at_most(MAX_COUNT)
    changed = list(runs.with_ids(watched.active).for_list()) if watched.active else []
    shown = run_columns.visible_columns(cast(User, request.user), watched.address.columns)
    context = {
        "news": _words(count),
        "count": count,
        "newest_url": replace(watched.address, order=NEWEST_FIRST).of(watched.filters),
        "news_url": _again(request, count),
        "rows": fetch_run_rows(project, changed, shown, watched.address, watched.filters, now),
        "shown": run_columns.build_column_flags(shown),
    }
    response = render(request, FRAGMENT, context)
    if count and str(count) != watched.known:
        trigger_client_event(response, "announce", {"value": _words(count)})
    return response


def _watched(project: Project, query: dict[str, list[str]], now: datetime) -> NewRunsParams:
    """Raises InvalidFilter or ValueError."""
    filters = RunFilters.from_query(query, extra_params=BESIDE)
    address = parse_run_list_address(run_list_path(project), query)
    after = TimeExpression.parse((query.get("after") or [""])[-1]).resolve(now)
    active = [uuid.UUID(value) for value in query.get("active", [])[:MAX_ACTIVE_RUNS]]
    return NewRunsParams(filters, address, after, (query.get("known") or [""])[-1], active)


def _again(request: HttpRequest, count: int) -> str:
    """The same question, knowing `count`."""
    query = request.GET.copy()
    query.pop("active", None)
    query["known"] = str(count)
    return f"{request.path}?{query.urlencode()}"


def _words(count: int) -> str:
    number = f"More than {MAX_COUNT}" if count > MAX_COUNT else str(count)
    return f"{number} new run{'' if count == 1 else 's'}"
