"""The run list: filtered and sorted by the address alone, with what stands above and beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, reswap, retarget, trigger_client_event

from dashboard.pages.runs import export_menu
from dashboard.pages.runs.histogram import Picture
from dashboard.pages.runs.saved_view_tabs import Tabs
from dashboard.ui import formats, run_columns, run_rows, sort_headers
from dashboard.ui.filter_controls import FACETS, MOST_LISTED, SHOWN_AT_ONCE, Address, FilterBar
from dashboard.ui.run_list_address import read_list
from dashboard.web import htmx
from dashboard.web.permissions import project_page
from dashboard.web.timezone import zone_of
from runs.analytics.overview import Facet, Overview, Totals, overview
from runs.analytics.recent_sample import MOST_COUNTED
from runs.errors import InvalidFilter
from runs.models import Assistant, Project, Run, RunStep, RunTag, User
from runs.query import Cursor, Order, RunFilters
from runs.query.planner import Search

PAGE_SIZE = 50
PAGE = "runs/page.html"
FRAGMENTS = {"results": "runs/_swap.html", "rows": "runs/_older.html"}
REFUSALS = {"results": "runs/_problem.html", "rows": "runs/_problem.html"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, which runs and in which order from where on; which columns are shown to whom."""

    project: Project
    user: User
    filters: RunFilters
    address: Address
    search: Search
    cursor: Cursor | None
    shown: frozenset[str]
    now: datetime

    @property
    def order(self) -> Order:
        return self.address.order

    def address_of(self, name: str) -> str:
        """The address of what lies beside the list and is asked for by the same parameters."""
        path = reverse(name, kwargs={"project": self.project.slug})
        return "?".join(filter(None, (path, self.address.query(self.filters))))

    def address_in(self, order: Order) -> Address:
        return replace(self.address, order=order)


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
        asked = _asked(request, project, query)
    except InvalidFilter as error:
        return _refuse(request, project, query, error)
    if htmx.fragment_target(request) == "rows":
        return _show_older(request, asked)
    tabs = Tabs.of(project, asked.user, asked.address, asked.filters)
    if tabs.default and not query:
        return redirect(tabs.default.url)
    return _show(request, replace(asked, address=tabs.address), tabs)


def _asked(request: HttpRequest, project: Project, query: dict[str, list[str]]) -> Asked:
    address, filters = read_list(project, query, also=("cursor",))
    user, cursors = cast(User, request.user), query.get("cursor")
    cursor = Cursor.parse(cursors[-1], address.order) if cursors else None
    search = filters.search(project)
    shown = run_columns.shown(user, address.columns)
    return Asked(project, user, filters, address, search, cursor, shown, search.scope.now)


def _show(request: HttpRequest, asked: Asked, tabs: Tabs) -> HttpResponse:
    """The page, or the parts of it that a change of filters concerns."""
    seen = _overview(request, asked)
    totals = seen.totals
    context = _listed(asked, seen.first) | _controls(request, asked, seen.facets)
    context |= {"totals": totals, "picture": Picture(seen.histogram) if seen.histogram else None}
    context |= _tabs(request, tabs)
    if not totals.runs:
        context |= _nothing_found(asked)
    response = htmx.render_page(request, PAGE, context, FRAGMENTS)
    if htmx.fragment_target(request) == "results":
        _push(request, response, asked.address.of(asked.filters, asked.cursor))
        trigger_client_event(response, "announce", {"value": _announcement(totals)})
    return response


def _push(request: HttpRequest, response: HttpResponse, address: str) -> None:
    """Put `address` into the browser's history, and nothing where it shows that already, however it was asked for."""
    push_url(response, address if htmx.page_path(request) != address else False)


def _show_older(request: HttpRequest, asked: Asked) -> HttpResponse:
    return htmx.render_page(request, PAGE, _listed(asked), FRAGMENTS)


def _refuse(
    request: HttpRequest,
    project: Project,
    query: dict[str, list[str]],
    error: InvalidFilter,
) -> HttpResponse:
    """What is wrong with the address, in place of rows; the controls keep what could be understood."""
    wrong = {problem.path for problem in error.problems}
    understood = {name: values for name, values in query.items() if name not in wrong | {"cursor"}}
    asked = _asked(request, project, understood)
    context: dict[str, Any] = {"problems": error.problems, "understood_url": asked.address.of(asked.filters)}
    context |= {"typed": (query.get("q") or [""])[-1]}
    if htmx.is_partial(request):
        response = htmx.render_page(request, PAGE, context, REFUSALS, status=422)
        return retarget(reswap(response, "outerHTML"), "#results")
    context |= _controls(request, asked, _overview(request, asked).facets)
    context |= _tabs(request, Tabs.of(project, asked.user, asked.address, asked.filters))
    return htmx.render_page(request, PAGE, context, status=400)


def _listed(asked: Asked, first: list[UUID] | None = None) -> dict[str, Any]:
    """A page of rows and the address of the next one; `first` are the ids of those that the list begins with.

    Three queries, however many rows.
    """
    listed = Run.objects.in_project(asked.project).for_list()
    if first is None or asked.cursor:
        found = listed.page(asked.search, asked.order, asked.cursor, PAGE_SIZE + 1)
    else:
        found = list(listed.with_keys(first).sorted_by(asked.order))
    runs = found[:PAGE_SIZE]
    further = asked.order.behind(runs[-1]) if len(found) > PAGE_SIZE else None
    return {
        "rows": rows_of(asked.project, runs, asked.shown, asked.address, asked.filters, asked.now),
        "shown": run_columns.flags(asked.shown),
        "older_url": asked.address.of(asked.filters, further) if further else None,
        "newest_url": asked.address.of(asked.filters),
        "cursor": asked.cursor,
        "page_size": PAGE_SIZE,
        "order": asked.order,
        "order_words": sort_headers.words(asked.order),
        "heads": sort_headers.heads(asked.order, lambda order: asked.address_in(order).of(asked.filters)),
    }


def rows_of(
    project: Project,
    runs: Sequence[Run],
    shown: frozenset[str],
    address: Address,
    filters: RunFilters,
    now: datetime,
) -> list[run_rows.Row]:
    """The rows of `runs` in the list at `address` and of `filters`.

    Tools, names and tags are asked for only where they are shown.
    """
    keys = [run.pk for run in runs]
    called = RunStep.objects.tools_of(keys) if keys and "tools" in shown else {}
    ids = {run.assistant_id for run in runs} if "assistant" in shown else set()
    names = Assistant.objects.names(project, ids)
    made = run_rows.rows(runs, called, address.path, now, names, run_rows.in_list(address.query(filters)))
    return run_rows.tagged(made, RunTag.objects.by_run(keys)) if keys and "tags" in shown else made


def _overview(request: HttpRequest, asked: Asked) -> Overview:
    return overview(
        asked.project, asked.filters, asked.search, ("status", *FACETS), zone_of(request),
        order=asked.order, first=PAGE_SIZE + 1,
    )  # fmt: skip


def _controls(request: HttpRequest, asked: Asked, facets: Mapping[str, Facet]) -> dict[str, Any]:
    frequent = facets["assistant"].counts[: SHOWN_AT_ONCE + MOST_LISTED]
    ids = {*asked.filters.assistant, *(assistant_id for assistant_id, _ in frequent)}
    names = Assistant.objects.names(asked.project, ids)
    return {
        "filters": asked.filters,
        "bar": FilterBar(asked.filters, facets, asked.address, asked.now, names),
        "columns": run_columns.COLUMNS,
        "shown": run_columns.flags(asked.shown),
        "exports": export_menu.menu(request, asked.project, asked.filters, asked.address),
        "news_url": _news_url(asked),
        "more_url": asked.address_of("run-facets"),
    }


def _tabs(request: HttpRequest, tabs: Tabs) -> dict[str, Any]:
    permalink = request.build_absolute_uri(tabs.current.permalink) if tabs.current else ""
    return {"tabs": tabs, "permalink": permalink}


def _news_url(asked: Asked) -> str:
    """Where to ask what was received from now on."""
    path = reverse("run-news", kwargs={"project": asked.project.slug})
    after = urlencode({"after": formats.machine_time(asked.now)})
    return f"{path}?{'&'.join(filter(None, (asked.address.query(asked.filters), after)))}"


def _nothing_found(asked: Asked) -> dict[str, Any]:
    """How many runs there are at all, and what each filter costs: a capped count each."""
    runs = Run.objects.in_project(asked.project)
    everything = runs.count_at_most(MOST_COUNTED)
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
        count = runs.matching(wider).count_at_most(MOST_COUNTED)
        words = " or ".join(value if parameter == "q" else f"{parameter}:{value}" for parameter, value in only)
        found.append(Relaxation(words, asked.address.of(wider), count))
    return sorted(found, key=lambda each: -each.count)


def _announcement(totals: Totals) -> str:
    """What screen readers are told after a change of filters."""
    if not totals.runs:
        return "No run matches"
    more = "More than " if totals.capped and not totals.summed else ""
    return f"{more}{totals.runs:,} run{'' if totals.runs == 1 else 's'}"
