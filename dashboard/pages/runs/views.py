"""The run list, its facets, and the requests that keep an open list up to date."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, reswap, retarget, trigger_client_event

from dashboard.pages.runs import rows
from dashboard.pages.runs.column_views import ColumnChoices
from dashboard.pages.runs.downloads import build_export_menu
from dashboard.pages.runs.facets import RelatedFacetControls
from dashboard.pages.runs.filter_controls import (
    FACET_FIELDS,
    MAX_COLLAPSED_OPTIONS,
    VISIBLE_OPTIONS,
    FilterControls,
    build_query_field,
)
from dashboard.pages.runs.histogram import build_chart, build_chart_options
from dashboard.pages.runs.params import RunListParams
from dashboard.pages.runs.rows import fetch_run_rows, fetch_run_table
from dashboard.pages.runs.saved_view_tabs import SavedViewTabs
from dashboard.ui import formats
from dashboard.ui.run_list_address import parse_run_list
from dashboard.ui.run_rows import build_run_path, encode_list_param
from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from dashboard.web.query_control import QueryControl
from dashboard.web.timezone import get_reader_timezone
from runs.analytics import facets
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.analytics.run_overview import RunFacet, RunOverview, RunTotals, fetch_run_overview
from runs.analytics.search_notices import fetch_search_notices
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, Problem
from runs.models import Assistant, Project, Run, User
from runs.protocol.identifiers import find_id_fault
from runs.query import TimeExpression
from runs.query.grammar import QUERY_PARAM, find_query_mistake
from runs.team.refusals import count_refusals

LIST_TEMPLATE = "pages/runs/list.html"
LIST_FRAGMENTS = {"results": "pages/runs/_list_update.html", "rows": "pages/runs/_next_page.html"}
INVALID_FRAGMENTS = {"results": "pages/runs/_invalid_update.html", "rows": "pages/runs/_invalid_update.html"}
FACETS_TEMPLATE = "pages/runs/facets.html"
FACETS_FRAGMENTS = {"related-facets": "pages/runs/_related_facets.html"}
MAX_SEARCH_LENGTH = 200
MAX_NEW_RUNS = 99
MAX_ACTIVE_RUNS = 200


@require_safe
@viewer_required
def project_home(_request: HttpRequest, project: Project) -> HttpResponse:
    """Redirect from the address of a project to its runs."""
    return redirect("runs", project=project.slug)


@require_safe
@viewer_required
def run_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the list, its next page, or the problems of invalid filters instead of rows."""
    user = cast(User, request.user)
    query = dict(request.GET.lists())
    # 1. Parse the query string.
    try:
        params = RunListParams.parse(project, user, query, extra_params=("cursor", "peek"))
        peek = PeekedRun.parse(params, query)
    except InvalidFilter as error:
        return _render_invalid_filters(request, project, query, error)
    # 2. "Load more" appends rows to the page and needs nothing else.
    if htmx.get_fragment_target(request) == "rows":
        return htmx.render_page(request, LIST_TEMPLATE, {"table": fetch_run_table(params)}, LIST_FRAGMENTS)
    # 3. The bare list opens the project's default view.
    tabs = SavedViewTabs.fetch(project, user, params.address, params.filters)
    if tabs.default and not query.keys() - {"peek"}:
        return redirect(tabs.default.url)
    params = replace(params, address=tabs.address)
    # 4. Fetch the overview, which also finds the first rows, then the rows themselves.
    overview = _fetch_overview(params)
    totals = overview.totals
    context = _build_controls_context(request, params, tabs, overview.facets) | {
        "totals": totals,
        "peek": peek,
        "table": fetch_run_table(params, overview.first_ids),
        "histogram": build_chart(overview.histogram) if overview.histogram else None,
        "chart_options": build_chart_options(params.address, params.filters),
    }
    context["search_notices"] = fetch_search_notices(project, params.plan.tree, has_matches=bool(totals.runs))
    if not totals.runs:
        context["project_run_count"] = Run.objects.in_project(project).count_at_most(MAX_SAMPLE_SIZE)
        context["refused_requests"] = 0 if context["project_run_count"] else count_refusals(project)
        context["relaxations"] = _fetch_relaxations(params) if context["project_run_count"] else []
    # 5. Render the page, or the parts that change with the filters.
    response = htmx.render_page(request, LIST_TEMPLATE, context, LIST_FRAGMENTS)
    if htmx.get_fragment_target(request) == "results":
        url = params.address.url(params.filters, params.cursor)
        # A repeated search must not add a second entry to the browser's history.
        push_url(response, url if htmx.get_current_page_path(request) != url else False)
        trigger_client_event(response, "announce", {"value": _describe_totals(totals)})
    return response


def _render_invalid_filters(
    request: HttpRequest, project: Project, query: dict[str, list[str]], error: InvalidFilter
) -> HttpResponse:
    """Render the problems instead of rows. The controls keep the parameters that are valid."""
    invalid_names = {problem.path for problem in error.problems}
    valid_query = {name: values for name, values in query.items() if name not in invalid_names | {"cursor"}}
    valid_query[QUERY_PARAM] = [text for text in query.get(QUERY_PARAM, ()) if not find_query_mistake(text)]
    params = RunListParams.parse(project, cast(User, request.user), valid_query)
    typed_text = next(filter(find_query_mistake, query.get(QUERY_PARAM, ())), "")
    context = {
        "problems": [problem for problem in error.problems if not typed_text or problem.path != QUERY_PARAM],
        "valid_url": params.url,
        "is_invalid": True,
        "query_field": _build_invalid_query_field(params, typed_text),
    }
    if htmx.is_partial_request(request):
        response = htmx.render_page(request, LIST_TEMPLATE, context, INVALID_FRAGMENTS, status=422)
        return retarget(reswap(response, "outerHTML"), "#results")
    tabs = SavedViewTabs.fetch(project, params.user, params.address, params.filters)
    context = _build_controls_context(request, params, tabs, _fetch_overview(params).facets) | context
    return htmx.render_page(request, LIST_TEMPLATE, context, status=400)


def _build_invalid_query_field(params: RunListParams, typed_text: str) -> QueryControl:
    names = Assistant.objects.names_by_id(params.project, params.filters.assistant)
    return build_query_field(params.filters, params.address, names, typed_text)


def _fetch_overview(params: RunListParams) -> RunOverview:
    return fetch_run_overview(
        params.project,
        params.filters,
        params.plan,
        ("status", *FACET_FIELDS),
        get_reader_timezone(),
        measure=params.address.chart,
        order=params.order,
        first_count=rows.PAGE_SIZE + 1,
    )


def _build_controls_context(
    request: HttpRequest, params: RunListParams, tabs: SavedViewTabs, run_facets: Mapping[str, RunFacet]
) -> dict[str, Any]:
    """Return the context of everything around the results: the heading, tabs, filters, columns and exports."""
    frequent = run_facets["assistant"].counts[: VISIBLE_OPTIONS + MAX_COLLAPSED_OPTIONS]
    assistant_ids = {*params.filters.assistant, *(assistant_id for assistant_id, _ in frequent)}
    assistant_names = Assistant.objects.names_by_id(params.project, assistant_ids)
    return {
        "filters": params.filters,
        "query_field": build_query_field(params.filters, params.address, assistant_names),
        "controls": FilterControls(params.filters, run_facets, params.address, params.now, assistant_names),
        "columns": ColumnChoices(params.columns),
        "bulk_url": params.url_of_page("change-matching-runs"),
        "exports": build_export_menu(request, params.project, params.filters, params.address),
        "new_runs_url": params.url_of_page("new-runs", after=formats.format_iso_time(params.now)),
        "facets_url": params.url_of_page("run-facets"),
        "tabs": tabs,
        "permalink": request.build_absolute_uri(tabs.current.permalink) if tabs.current else "",
    }


@dataclass(frozen=True, slots=True)
class PeekedRun:
    """The run in the panel beside the list."""

    run_id: str
    url: str

    @classmethod
    def parse(cls, params: RunListParams, query: Mapping[str, list[str]]) -> PeekedRun | None:
        """Read the parameter `peek`. Whether there is such a run shows when the panel loads.

        Raises:
            InvalidFilter: The value can't be the id of a run.
        """
        if "peek" not in query:
            return None
        run_id = query["peek"][-1]
        if message := find_id_fault(run_id):
            raise InvalidFilter(f"peek: {message}", [Problem("peek", message)])
        return cls(run_id, build_run_path(params.address.path, run_id) + encode_list_param(params.query_string))


@dataclass(frozen=True, slots=True)
class FilterRelaxation:
    """A list with one filter less: the removed filter in words, the URL, and the number of matching runs."""

    label: str
    url: str
    count: int


def _fetch_relaxations(params: RunListParams) -> list[FilterRelaxation]:
    """Count the runs that match without each of the filters; most runs first."""
    relaxations = []
    for name in params.filters.active_names:
        filters = params.filters.without(name)
        removed = [pair for pair in params.filters.to_params() if pair not in filters.to_params()]
        label = " or ".join(value if parameter == "q" else f"{parameter}:{value}" for parameter, value in removed)
        count = filters.apply(Run.objects.in_project(params.project)).count_at_most(MAX_SAMPLE_SIZE)
        relaxations.append(FilterRelaxation(label, params.address.url(filters), count))
    return sorted(relaxations, key=lambda relaxation: -relaxation.count)


def _describe_totals(totals: RunTotals) -> str:
    """Return the announcement for screen readers after a change of filters."""
    if not totals.runs:
        return "No runs match"
    prefix = "More than " if totals.is_capped and not totals.has_exact_sums else ""
    return f"{prefix}{totals.runs:,} run{'' if totals.runs == 1 else 's'}"


@require_safe
@viewer_required
def run_facets(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the facets that load after the list: tags, tools and metadata. `find` searches the metadata."""
    query = dict(request.GET.lists())
    try:
        address, filters = parse_run_list(project, query, extra_params=("find",))
        search_text = _parse_search_text(query.get("find", [""]))
    except InvalidFilter as error:
        return htmx.render_page(request, "web/invalid_params/page.html", {"problems": error.problems}, status=400)
    related = facets.fetch_alternative_facets(project, filters, search_text)
    context = {
        "facets": RelatedFacetControls(related, filters, address, search_text),
        "filters": filters,
        "form_params": filters.to_params() + address.params(),
        "list_url": address.url(filters),
    }
    return htmx.render_page(request, FACETS_TEMPLATE, context, FACETS_FRAGMENTS)


def _parse_search_text(values: list[str]) -> str:
    text = values[-1].strip()
    if len(values) > 1 or len(text) > MAX_SEARCH_LENGTH or "\0" in text:
        message = f"expected one value of at most {MAX_SEARCH_LENGTH} characters"
        raise InvalidFilter(f"find: {message}", [Problem("find", message)])
    return text


@dataclass(frozen=True, slots=True)
class NewRunsParams:
    """The parameters of the poll that keeps an open list current.

    Attributes:
        run_list: The list that is open.
        after: When it was loaded.
        known_count: The count of the previous answer; "" for the first poll.
        active_keys: The primary keys of the listed runs that have not ended.
    """

    run_list: RunListParams
    after: datetime
    known_count: str
    active_keys: list[uuid.UUID]

    @classmethod
    def parse(cls, project: Project, user: User, query: dict[str, list[str]]) -> NewRunsParams:
        """Parse a query string.

        Raises:
            InvalidFilter: A parameter is unknown or has an invalid value.
            ValueError: `active` is not a primary key.
        """
        params = RunListParams.parse(project, user, query, extra_params=("after", "known", "active"))
        after = TimeExpression.parse((query.get("after") or [""])[-1]).resolve(params.now)
        active_keys = [uuid.UUID(value) for value in query.get("active", [])[:MAX_ACTIVE_RUNS]]
        return cls(params, after, (query.get("known") or [""])[-1], active_keys)


@require_safe
@viewer_required
def new_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the number of new runs, announced if it has changed, and the current rows of active runs."""
    try:
        params = NewRunsParams.parse(project, cast(User, request.user), dict(request.GET.lists()))
    except (InvalidFilter, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    runs = Run.objects.in_project(project)
    matching = params.run_list.filters.apply(runs).received_after(params.after)
    count = matching.count_at_most(MAX_NEW_RUNS)
    active = list(runs.with_ids(params.active_keys).for_list()) if params.active_keys else []
    number = f"More than {MAX_NEW_RUNS}" if count > MAX_NEW_RUNS else str(count)
    label = f"{number} new run{'' if count == 1 else 's'}"
    next_poll = request.GET.copy()
    next_poll.pop("active", None)
    next_poll["known"] = str(count)
    context = {
        "new_run_count": count,
        "new_runs_label": label,
        "newest_url": params.run_list.url_in_order(NEWEST_FIRST),
        "new_runs_url": f"{request.path}?{next_poll.urlencode()}",
        "rows": fetch_run_rows(params.run_list, active),
    }
    response = render(request, "pages/runs/_new_runs_update.html", context)
    if count and str(count) != params.known_count:
        trigger_client_event(response, "announce", {"value": label})
    return response
