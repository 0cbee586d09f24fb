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

from dashboard.pages.runs.views import rows_of
from dashboard.ui import run_columns
from dashboard.ui.filter_controls import Address
from dashboard.ui.run_list_address import BESIDE_FILTERS, list_path, read_address
from dashboard.web.permissions import project_page
from runs.errors import InvalidFilter
from runs.models import Project, Run, User
from runs.query import Moment, RunFilters
from runs.query.order import NEWEST_FIRST

MOST_COUNTED = 99
MOST_ACTIVE = 200
FRAGMENT = "runs/_news.html"
BESIDE = (*BESIDE_FILTERS, "after", "known", "active")


@dataclass(frozen=True, slots=True)
class Watched:
    """What is asked again and again: new runs since a moment, and some runs by their stored ids."""

    filters: RunFilters
    address: Address
    after: datetime
    known: str
    active: list[uuid.UUID]


@require_safe
@project_page
def fragment(request: HttpRequest, project: Project) -> HttpResponse:
    """The number of new runs, announced when it has changed, and the rows of `active` runs as they are now."""
    query = dict(request.GET.lists())
    now = timezone.now()
    try:
        watched = _watched(project, query, now)
    except (InvalidFilter, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    runs = Run.objects.in_project(project)
    count = runs.matching(watched.filters).received_after(watched.after).count_at_most(MOST_COUNTED)
    changed = list(runs.with_keys(watched.active).for_list()) if watched.active else []
    shown = run_columns.shown(cast(User, request.user), watched.address.columns)
    context = {
        "news": _words(count),
        "count": count,
        "newest_url": replace(watched.address, order=NEWEST_FIRST).of(watched.filters),
        "news_url": _again(request, count),
        "rows": rows_of(project, changed, shown, watched.address, watched.filters, now),
        "shown": run_columns.flags(shown),
    }
    response = render(request, FRAGMENT, context)
    if count and str(count) != watched.known:
        trigger_client_event(response, "announce", {"value": _words(count)})
    return response


def _watched(project: Project, query: dict[str, list[str]], now: datetime) -> Watched:
    """Raises InvalidFilter or ValueError."""
    filters = RunFilters.from_query(query, also=BESIDE)
    address = read_address(list_path(project), query)
    after = Moment.parse((query.get("after") or [""])[-1]).at(now)
    active = [uuid.UUID(value) for value in query.get("active", [])[:MOST_ACTIVE]]
    return Watched(filters, address, after, (query.get("known") or [""])[-1], active)


def _again(request: HttpRequest, count: int) -> str:
    """The same question, knowing `count`."""
    query = request.GET.copy()
    query.pop("active", None)
    query["known"] = str(count)
    return f"{request.path}?{query.urlencode()}"


def _words(count: int) -> str:
    number = f"More than {MOST_COUNTED}" if count > MOST_COUNTED else str(count)
    return f"{number} new run{'' if count == 1 else 's'}"
