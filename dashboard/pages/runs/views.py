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
from dashboard.pages.runs.histogram import HistogramChart
from dashboard.pages.runs.saved_view_tabs import SavedViewTabs
from dashboard.ui import formats, run_columns, run_rows, sort_headers
from dashboard.ui.filter_controls import (
    FACET_FIELDS,
    MAX_COLLAPSED_OPTIONS,
    VISIBLE_OPTIONS,
    FilterControls,
    RunListAddress,
)
from dashboard.ui.run_list_address import parse_run_list
from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from dashboard.web.timezone import get_request_timezone
from runs.analytics.overview import RunFacet, RunOverview, RunTotals, fetch_run_overview
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.db.keyset_pagination import Cursor, Order
from runs.errors import InvalidFilter
from runs.models import Assistant, Project, Run, RunStep, RunTag, User
from runs.query import RunFilters
from runs.query.order import parse_cursor
from runs.query.planner import QueryPlan

PAGE_SIZE = 50
PAGE_TEMPLATE = "runs/page.html"
FRAGMENT_TEMPLATES = {"results": "runs/_swap.html", "rows": "runs/_older.html"}
ERROR_TEMPLATES = {"results": "runs/_problem.html", "rows": "runs/_problem.html"}


@dataclass(frozen=True, slots=True)
class RunListParams:
    """What the address asks for, which runs and in which order from where on; which columns are shown to whom."""

    project: Project
    user: User
    filters: RunFilters
    address: RunListAddress
    search: QueryPlan
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

    def address_in(self, order: Order) -> RunListAddress:
        return replace(self.address, order=order)


@dataclass(frozen=True, slots=True)
class FilterRelaxation:
    """What the list would show without what is asked of one field."""

    words: str
    url: str
    count: int


@require_safe
@viewer_required
def run_list(request: HttpRequest, project: Project) -> HttpResponse:
    """The list, its next page, or what is wrong with the filters: never a list that nobody asked for."""
    query = dict(request.GET.lists())
    try:
        asked = _asked(request, project, query)
    except InvalidFilter as error:
        return _refuse(request, project, query, error)
    if htmx.get_fragment_target(request) == "rows":
        return _show_older(request, asked)
    tabs = SavedViewTabs.of(project, asked.user, asked.address, asked.filters)
    if tabs.default and not query:
        return redirect(tabs.default.url)
    return _show(request, replace(asked, address=tabs.address), tabs)


def _asked(request: HttpRequest, project: Project, query: dict[str, list[str]]) -> RunListParams:
    address, filters = parse_run_list(project, query, also=("cursor",))
    user, cursors = cast(User, request.user), query.get("cursor")
    cursor = parse_cursor(cursors[-1], address.order) if cursors else None
    search = filters.plan(project)
    shown = run_columns.visible_columns(user, address.columns)
    return RunListParams(project, user, filters, address, search, cursor, shown, search.scope.now)


def _show(request: HttpRequest, asked: RunListParams, tabs: SavedViewTabs) -> HttpResponse:
    """The page, or the parts of it that a change of filters concerns."""
    seen = _overview(request, asked)
    totals = seen.totals
    context = _listed(asked, seen.first_ids) | _controls(request, asked, seen.facets)
    context |= {"totals": totals, "picture": HistogramChart(seen.histogram) if seen.histogram else None}
    context |= _tabs(request, tabs)
    if not totals.runs:
        context |= _nothing_found(asked)
    response = htmx.render_page(request, PAGE_TEMPLATE, context, FRAGMENT_TEMPLATES)
    if htmx.get_fragment_target(request) == "results":
        _push(request, response, asked.address.of(asked.filters, asked.cursor))
        trigger_client_event(response, "announce", {"value": _announcement(totals)})
    return response


def _push(request: HttpRequest, response: HttpResponse, address: str) -> None:
    """Put `address` into the browser's history, and nothing where it shows that already, however it was asked for."""
    push_url(response, address if htmx.get_current_page_path(request) != address else False)


def _show_older(request: HttpRequest, asked: RunListParams) -> HttpResponse:
    return htmx.render_page(request, PAGE_TEMPLATE, _listed(asked), FRAGMENT_TEMPLATES)


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
    if htmx.is_partial_request(request):
        response = htmx.render_page(request, PAGE_TEMPLATE, context, ERROR_TEMPLATES, status=422)
        return retarget(reswap(response, "outerHTML"), "#results")
    context |= _controls(request, asked, _overview(request, asked).facets)
    context |= _tabs(request, SavedViewTabs.of(project, asked.user, asked.address, asked.filters))
    return htmx.render_page(request, PAGE_TEMPLATE, context, status=400)


def _listed(asked: RunListParams, first: list[UUID] | None = None) -> dict[str, Any]:
    """A page of rows and the address of the next one; `first` are the ids of those that the list begins with.

    Three queries, however many rows.
    """
    listed = Run.objects.in_project(asked.project).for_list()
    if first is None or asked.cursor:
        found = asked.search.fetch_page(listed, asked.order, asked.cursor, PAGE_SIZE + 1)
    else:
        found = list(listed.with_ids(first).sorted_by(asked.order))
    runs = found[:PAGE_SIZE]
    further = asked.order.cursor_at(runs[-1]) if len(found) > PAGE_SIZE else None
    return {
        "rows": fetch_run_rows(asked.project, runs, asked.shown, asked.address, asked.filters, asked.now),
        "shown": run_columns.build_column_flags(asked.shown),
        "older_url": asked.address.of(asked.filters, further) if further else None,
        "newest_url": asked.address.of(asked.filters),
        "cursor": asked.cursor,
        "page_size": PAGE_SIZE,
        "order": asked.order,
        "order_words": sort_headers.describe_order(asked.order),
        "heads": sort_headers.build_sort_headers(asked.order, lambda order: asked.address_in(order).of(asked.filters)),
    }


def fetch_run_rows(
    project: Project,
    runs: Sequence[Run],
    shown: frozenset[str],
    address: RunListAddress,
    filters: RunFilters,
    now: datetime,
) -> list[run_rows.RunRow]:
    """The rows of `runs` in the list at `address` and of `filters`.

    Tools, names and tags are asked for only where they are shown.
    """
    keys = [run.pk for run in runs]
    called = RunStep.objects.count_tools_by_run(keys) if keys and "tools" in shown else {}
    ids = {run.assistant_id for run in runs} if "assistant" in shown else set()
    names = Assistant.objects.names_by_id(project, ids)
    made = run_rows.build_run_rows(
        runs, called, address.path, now, names, run_rows.encode_list_param(address.query(filters))
    )
    return run_rows.add_tags_to_rows(made, RunTag.objects.names_by_run(keys)) if keys and "tags" in shown else made


def _overview(request: HttpRequest, asked: RunListParams) -> RunOverview:
    return fetch_run_overview(
        asked.project, asked.filters, asked.search, ("status", *FACET_FIELDS), get_request_timezone(request),
        order=asked.order, first=PAGE_SIZE + 1,
    )  # fmt: skip


def _controls(request: HttpRequest, asked: RunListParams, facets: Mapping[str, RunFacet]) -> dict[str, Any]:
    frequent = facets["assistant"].counts[: VISIBLE_OPTIONS + MAX_COLLAPSED_OPTIONS]
    ids = {*asked.filters.assistant, *(assistant_id for assistant_id, _ in frequent)}
    names = Assistant.objects.names_by_id(asked.project, ids)
    return {
        "filters": asked.filters,
        "bar": FilterControls(asked.filters, facets, asked.address, asked.now, names),
        "columns": run_columns.RUN_COLUMNS,
        "shown": run_columns.build_column_flags(asked.shown),
        "exports": export_menu.build_export_menu(request, asked.project, asked.filters, asked.address),
        "news_url": _news_url(asked),
        "more_url": asked.address_of("run-facets"),
    }


def _tabs(request: HttpRequest, tabs: SavedViewTabs) -> dict[str, Any]:
    permalink = request.build_absolute_uri(tabs.current.permalink) if tabs.current else ""
    return {"tabs": tabs, "permalink": permalink}


def _news_url(asked: RunListParams) -> str:
    """Where to ask what was received from now on."""
    path = reverse("new-runs", kwargs={"project": asked.project.slug})
    after = urlencode({"after": formats.format_iso_time(asked.now)})
    return f"{path}?{'&'.join(filter(None, (asked.address.query(asked.filters), after)))}"


def _nothing_found(asked: RunListParams) -> dict[str, Any]:
    """How many runs there are at all, and what each filter costs: a capped count each."""
    runs = Run.objects.in_project(asked.project)
    everything = runs.count_at_most(MAX_SAMPLE_SIZE)
    return {
        "everything": everything,
        "relaxations": _relaxations(asked) if everything else [],
    }


def _relaxations(asked: RunListParams) -> list[FilterRelaxation]:
    """What would be found without each of the filters, the most first."""
    runs = Run.objects.in_project(asked.project)
    found = []
    for name in asked.filters.active:
        wider = asked.filters.without(name)
        only = [pair for pair in asked.filters.pairs() if pair not in wider.pairs()]
        count = wider.apply(runs).count_at_most(MAX_SAMPLE_SIZE)
        words = " or ".join(value if parameter == "q" else f"{parameter}:{value}" for parameter, value in only)
        found.append(FilterRelaxation(words, asked.address.of(wider), count))
    return sorted(found, key=lambda each: -each.count)


def _announcement(totals: RunTotals) -> str:
    """What screen readers are told after a change of filters."""
    if not totals.runs:
        return "No run matches"
    more = "More than " if totals.is_capped and not totals.has_exact_sums else ""
    return f"{more}{totals.runs:,} run{'' if totals.runs == 1 else 's'}"
