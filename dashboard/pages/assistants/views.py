"""Views of the list of assistants, of one assistant, and of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from dashboard.pages.assistants import assistant_rows
from dashboard.pages.assistants.assistant_rows import DEFAULT_ASSISTANT_SORT, AssistantList, AssistantSort
from dashboard.pages.assistants.comparison import VersionComparisonSection
from dashboard.pages.assistants.params import AssistantDetailParams, AssistantListParams
from dashboard.pages.assistants.run_links import AssistantRunLinks
from dashboard.pages.assistants.version_list import MAX_RECENT_RUNS, VersionList
from dashboard.ui.filter_controls import build_time_range_options, format_time_range_label
from dashboard.ui.sort_headers import SortHeader
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, member_required, viewer_required
from dashboard.web.query_control import QueryControl
from dashboard.web.query_params import build_params_error
from runs.analytics import assistants, version_comparison, versions
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.errors import Problem
from runs.models import Assistant, Project, Run, User
from runs.protocol.assistant import MAX_ASSISTANT_NAME_LENGTH
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters, TimeExpression

LAST_24_HOURS = TimeExpression("-24h")
# The sortable columns of the list, by their values of `sort`.
_COLUMN_LABELS = {
    "name": "Assistant",
    "last": "Last run",
    "runs": "Runs",
    "failed": "Failed",
    "tokens": "Tokens",
    "cost": "Cost, est.",
}


@require_safe
@viewer_required
@handle_invalid_params
def assistant_list(request: HttpRequest, project: Project) -> HttpResponse:
    """List the assistants that have runs which match the filters."""
    params = AssistantListParams.parse(request.GET)
    now = timezone.now()
    listed = AssistantList.fetch(project, params.filters, params.sort, now)
    if params.page > listed.page_count:
        raise build_params_error(Problem("page", f"expected at most {listed.page_count}, got {params.page}"))

    path = reverse("assistants", kwargs={"project": project.slug})

    def build_url(**changes: Any) -> str:
        return path + params.query_string(**{"page": 1} | changes)

    time_ranges = build_time_range_options(params.filters, lambda changed: build_url(filters=changed))
    context = {
        "project": project,
        "filters": params.filters,
        "query_field": _build_query_field(params, path, build_url),
        "time_ranges": time_ranges,
        "time_range_label": format_time_range_label(time_ranges, params.filters, now),
        "sort_headers": _build_sort_headers(params.sort, build_url),
        "assistants": listed,
        "rows": listed.fetch_rows(params.page),
        "list_url": path,
        "query_string": params.query_string(page=1),
        "page": params.page,
        "page_size": assistant_rows.ASSISTANT_PAGE_SIZE,
        "previous_url": build_url(page=params.page - 1) if params.page > 1 else "",
        "next_url": build_url(page=params.page + 1) if params.page < listed.page_count else "",
        "max_sample_size": MAX_SAMPLE_SIZE,
        "max_configurations": assistants.MAX_COUNTED_CONFIGURATIONS,
    }
    fragments = {"assistants": "pages/assistants/_assistants.html"}
    return htmx.render_page(request, "pages/assistants/list.html", context, fragments)


def _build_query_field(params: AssistantListParams, path: str, build_url: Callable[..., str]) -> QueryControl:
    return QueryControl(
        "Assistants by their runs",
        path,
        params.filters,
        lambda filters: build_url(filters=filters),
        other_params=() if params.sort == DEFAULT_ASSISTANT_SORT else (("sort", str(params.sort)),),
        has_time_menu=False,
        placeholder="model:gpt-4o metadata.customer:acme",
    )


def _build_sort_headers(sort: AssistantSort, build_url: Callable[..., str]) -> list[tuple[str, str, SortHeader]]:
    """Return key, label and header of each column. A first click sorts names from A to Z, and numbers descending."""
    headers = []
    for by, label in _COLUMN_LABELS.items():
        if by == sort.by:
            url = build_url(sort=AssistantSort(by, descending=not sort.descending))
            header = SortHeader(url, *(("descending", "↓") if sort.descending else ("ascending", "↑")))
        else:
            header = SortHeader(build_url(sort=AssistantSort(by, descending=by != "name")))
        headers.append((by, label, header))
    return headers


@require_safe
@viewer_required
@handle_invalid_params
def assistant_detail(request: HttpRequest, project: Project, assistant_id: str) -> HttpResponse:
    """Show the versions of an assistant, and compare one of them with another."""
    assistant_id = clean_text(assistant_id)
    assistant = Assistant.objects.find(project, assistant_id)
    known = versions.fetch_versions(project, assistant_id)
    if assistant is None and not known.versions:
        raise Http404("No such assistant")
    params = AssistantDetailParams.parse(request.GET)
    params.check_versions(known)

    run_links = AssistantRunLinks(project)
    context: dict[str, Any] = {
        "project": project,
        "assistant_id": assistant_id,
        "assistant": assistant,
        "can_rename": project.role in WRITE_ROLES,
        "max_name_length": MAX_ASSISTANT_NAME_LENGTH,
        "runs_url": run_links.assistant_url(assistant_id),
        "known": known,
    }
    if known.versions:
        page_path = reverse("assistant", kwargs={"project": project.slug, "assistant_id": assistant_id})
        comparison = VersionComparisonSection(known, params, run_links, page_path)
        recent_runs = Run.objects.in_project(project)
        recent_filters = RunFilters(assistant=(assistant_id,), since=LAST_24_HOURS)
        context |= {
            "params": params,
            "recent_runs": recent_filters.apply(recent_runs).count_at_most(versions.MAX_COUNTED_VERSION_RUNS),
            "recent_runs_url": run_links.assistant_url(assistant_id, LAST_24_HOURS),
            "version_list": VersionList(known, params, run_links, page_path),
            "comparison": comparison,
            "max_side_runs": version_comparison.MAX_SIDE_RUNS,
            "max_side_runs_with_steps": version_comparison.MAX_SIDE_RUNS_WITH_STEPS,
            "max_recent_runs": MAX_RECENT_RUNS,
            "max_counted_runs": versions.MAX_COUNTED_VERSION_RUNS,
            "max_overlapping_runs": versions.MAX_COUNTED_CONCURRENT_RUNS,
            "max_versions": versions.MAX_VERSIONS,
        }
    fragments = {"versions": "pages/assistants/_versions.html"}
    response = htmx.render_page(request, "pages/assistants/detail.html", context, fragments)
    if known.versions and htmx.get_fragment_target(request) == "versions":
        trigger_client_event(response, "announce", {"value": comparison.title})
    return response


@require_POST
@member_required
def assistant_rename(request: HttpRequest, project: Project, assistant_id: str) -> HttpResponse:
    """Set the name that the team gives an assistant. An empty name removes it, and shows the posted name or the id."""
    stored_id = clean_text(assistant_id)
    name = clean_text(request.POST.get("name", "")).strip()
    if len(name) > MAX_ASSISTANT_NAME_LENGTH:
        message = f"name: expected at most {MAX_ASSISTANT_NAME_LENGTH} characters, found {len(name)}"
        return HttpResponseBadRequest(message, content_type="text/plain; charset=utf-8")
    is_known = Assistant.objects.find(project, stored_id) or assistants.fetch_last_run_times(project, [stored_id])
    if not is_known:
        raise Http404("No such assistant")
    Assistant.objects.set_given_name(project, stored_id, name or None, cast(User, request.user))
    messages.success(request, f"Assistant named {name}." if name else "Name removed.")
    return redirect("assistant", project=project.slug, assistant_id=assistant_id)
