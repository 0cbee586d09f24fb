"""The run list: newest first, filtered by the address alone, with what stands above and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, reswap, retarget, trigger_client_event

from dashboard import htmx, listing
from dashboard.access import project_page
from dashboard.filter_bar import FACETS, Address, FilterBar
from runs.errors import InvalidFilter
from runs.filters import Cursor, RunFilters
from runs.models import Project, Run, RunStep
from runs.stats import overview

PAGE_SIZE = 50
PAGE = "runs/page.html"
FRAGMENTS = {"results": "runs/_swap.html", "rows": "runs/_older.html"}
REFUSALS = {"results": "runs/_problem.html", "rows": "runs/_problem.html"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: which runs, and from where on."""

    project: Project
    filters: RunFilters
    cursor: Cursor | None
    now: datetime

    @property
    def address(self) -> Address:
        return Address(reverse("runs", kwargs={"project": self.project.slug}))


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What the list would show without what is asked of one field."""

    words: str
    url: str
    count: int


@require_safe
@project_page
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """The list, its next page, or what is wrong with the filters: never a list that nobody asked for."""
    query = dict(request.GET.lists())
    try:
        asked = _asked(project, query)
    except InvalidFilter as error:
        response = _refuse(request, project, query, error)
    else:
        show = _show_older if htmx.fragment_target(request) == "rows" else _show
        response = show(request, asked)
    return response


def _asked(project: Project, query: dict[str, list[str]]) -> Asked:
    filters = RunFilters.from_query(query, also=("cursor",))
    cursors = query.get("cursor")
    return Asked(project, filters, Cursor.parse(cursors[-1]) if cursors else None, timezone.now())


def _show(request: HttpRequest, asked: Asked) -> HttpResponse:
    """The page, or the parts of it that a change of filters concerns."""
    totals = overview.totals(asked.project, asked.filters)
    context = _listed(asked) | _controls(asked) | {"totals": totals}
    if not totals.runs:
        context |= _nothing_found(asked)
    response = htmx.render_page(request, PAGE, context, FRAGMENTS)
    if htmx.fragment_target(request) == "results":
        push_url(response, asked.address.of(asked.filters, asked.cursor))
        trigger_client_event(response, "announce", {"value": _announcement(totals)})
    return response


def _show_older(request: HttpRequest, asked: Asked) -> HttpResponse:
    return htmx.render_page(request, PAGE, _listed(asked), FRAGMENTS)


def _refuse(
    request: HttpRequest, project: Project, query: dict[str, list[str]], error: InvalidFilter
) -> HttpResponse:
    """What is wrong with the address, in place of rows; the controls keep what could be understood."""
    wrong = {problem.path for problem in error.problems}
    understood = {name: values for name, values in query.items() if name not in wrong | {"cursor"}}
    asked = Asked(project, RunFilters.from_query(understood), None, timezone.now())
    context = {"problems": error.problems, "understood_url": asked.address.of(asked.filters)}
    if not htmx.is_partial(request):
        return htmx.render_page(request, PAGE, context | _controls(asked), status=400)
    response = htmx.render_page(request, PAGE, context | _controls(asked), REFUSALS, status=422)
    return retarget(reswap(response, "outerHTML"), "#results")


def _listed(asked: Asked) -> dict[str, Any]:
    """A page of rows and the address of the next one; two queries, however many rows."""
    matching = Run.objects.in_project(asked.project).matching(asked.filters)
    found = list(matching.newest_first().after(asked.cursor).for_list()[: PAGE_SIZE + 1])
    runs = found[:PAGE_SIZE]
    called = RunStep.objects.tools_of([run.pk for run in runs])
    older = Cursor(runs[-1].created_at, runs[-1].pk) if len(found) > PAGE_SIZE else None
    return {
        "rows": listing.rows(runs, called, asked.address.path, asked.now),
        "older_url": asked.address.of(asked.filters, older) if older else None,
        "newest_url": asked.address.of(asked.filters),
        "cursor": asked.cursor,
        "page_size": PAGE_SIZE,
    }


def _controls(asked: Asked) -> dict[str, Any]:
    facets = overview.facets(asked.project, asked.filters, ("status", *FACETS))
    return {"filters": asked.filters, "bar": FilterBar(asked.filters, facets, asked.address, asked.now)}


def _nothing_found(asked: Asked) -> dict[str, Any]:
    """How many runs there are at all, and what each filter costs: a capped count each."""
    runs = Run.objects.in_project(asked.project)
    everything = runs.count_at_most(overview.MOST_COUNTED)
    return {
        "everything": everything,
        "relaxations": _relaxations(asked) if everything else [],
    }


def _relaxations(asked: Asked) -> list[Relaxation]:
    """What would be found without each of the filters, the most first."""
    runs = Run.objects.in_project(asked.project)
    found = []
    for name in asked.filters.active:
        wider = asked.filters.without(name)
        only = [pair for pair in asked.filters.pairs() if pair not in wider.pairs()]
        count = runs.matching(wider).count_at_most(overview.MOST_COUNTED)
        words = " or ".join(f"{parameter}:{value}" for parameter, value in only)
        found.append(Relaxation(words, asked.address.of(wider), count))
    return sorted(found, key=lambda each: -each.count)


def _announcement(totals: overview.Totals) -> str:
    """What screen readers are told after a change of filters."""
    if not totals.runs:
        return "No run matches"
    more = "More than " if totals.capped else ""
    return f"{more}{totals.runs:,} run{'' if totals.runs == 1 else 's'}"
