"""The pages of saved views: the list of views, and the forms that create and change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.pages.runs.histogram import CHART_LABELS
from dashboard.pages.runs.saved_view_tabs import MAX_TABS, SavedViewTab, count_saved_views, find_removed_columns
from dashboard.ui import run_columns, sort_headers
from dashboard.ui.run_list_address import parse_chart_measure, parse_run_list
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, member_required, viewer_required
from dashboard.web.query_params import QueryParams, parse_text, query_param
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, InvalidView
from runs.models import Membership, Project, SavedView, User
from runs.team.saved_views import save_view

FORM_TEMPLATE = "pages/runs/saved_views/form.html"
COUNTS_MAX_AGE = 60  # seconds


@dataclass(frozen=True, slots=True)
class SavedViewCountsParams(QueryParams):
    """The parameters of the counts.

    Attributes:
        state: Changes with the views, so that browsers can cache the counts by their URL. It is not used otherwise.
    """

    state: str = query_param(parse_text, default="")


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
def saved_view_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the views that the user sees; on POST, save the posted list as a new view."""
    user = cast(User, request.user)
    if request.method == "POST":
        return _create_view(request, project)
    views = SavedView.objects.visible_to(user, project).with_owners()[: 2 * MAX_TABS]
    rows = [
        {
            "view": view,
            "tab": SavedViewTab.build(view, project),
            "is_editable": view.can_be_changed_by(user, project.role),
            "removed_columns": find_removed_columns(view),
        }
        for view in views
    ]
    return render(request, "pages/runs/saved_views/list.html", {"project": project, "rows": rows})


@require_safe
@viewer_required
def saved_view_detail(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Redirect to the list of a view, or explain why its query is no longer valid."""
    view = _get_view_or_404(request, project, number)
    tab = SavedViewTab.build(view, project)
    if tab.state is not None:
        return redirect(tab.url)
    context = {
        "project": project,
        "view": view,
        "problem": tab.problem,
        "is_editable": view.can_be_changed_by(cast(User, request.user), project.role),
    }
    return render(request, "pages/runs/saved_views/invalid.html", context)


@require_safe
@viewer_required
@handle_invalid_params
def saved_view_counts(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the number of runs of each tab, to be swapped into the tabs."""
    SavedViewCountsParams.parse(request.GET)
    views = SavedView.objects.visible_to(cast(User, request.user), project)[:MAX_TABS]
    context = {"counts": count_saved_views(project, views)}
    response = render(request, "pages/runs/saved_views/_counts.html", context)
    patch_cache_control(response, private=True, max_age=COUNTS_MAX_AGE)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def saved_view_edit(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Render the form of a view; on POST, save it."""
    view = _get_editable_view(request, project, number)
    if request.method != "POST":
        return _render_form(request, project, view)
    view.query = request.POST.get("query", "")
    sort = request.POST.get("sort", "")
    view.sort = "" if sort == str(NEWEST_FIRST) else sort
    if "keep_columns" not in request.POST:
        view.columns = None
    try:
        view.chart = parse_chart_measure(request.POST["chart"]) if request.POST.get("chart") else ""
    except InvalidFilter as error:
        return _render_form(request, project, view, InvalidView(problems=error.problems))
    return _save_form(request, project, view)


@require_POST
@member_required
def saved_view_replace(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Replace the query, order, columns and chart of a view by those of the posted list."""
    view = _get_editable_view(request, project, number)
    try:
        _apply_posted_list(request, project, view, keep_columns=view.columns is not None)
    except InvalidFilter as error:
        messages.error(request, f"The view was not replaced: {error.message}")
    else:
        save_view(view)
        messages.success(request, f"Replaced the view “{view.name}”.")
    return redirect(SavedViewTab.build(view, project).url)


@require_POST
@member_required
def saved_view_delete(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Delete a view. Its runs are kept."""
    view = _get_editable_view(request, project, number)
    view.delete()
    messages.success(request, f"Deleted the view “{view.name}”.")
    return redirect("saved-views", project=project.slug)


def _create_view(request: HttpRequest, project: Project) -> HttpResponse:
    if project.role not in WRITE_ROLES:
        raise PermissionDenied
    view = SavedView(project=project, owner=cast(User, request.user))
    try:
        _apply_posted_list(request, project, view, keep_columns="keep_columns" in request.POST)
    except InvalidFilter as error:
        messages.error(request, f"The view was not saved: {error.message}")
        return redirect("runs", project=project.slug)
    return _save_form(request, project, view)


def _apply_posted_list(request: HttpRequest, project: Project, view: SavedView, *, keep_columns: bool) -> None:
    """Set the query, order, columns and chart of `view` to those of the posted list. Raises InvalidFilter."""
    address, filters = parse_run_list(project, parse_qs(request.POST.get("query", ""), keep_blank_values=True))
    view.query = filters.to_query_text()
    view.sort = "" if address.order == NEWEST_FIRST else str(address.order)
    view.chart = address.chart or ""
    columns = run_columns.visible_columns(cast(User, request.user), project, address.columns)
    view.columns = [str(column) for column in columns] if keep_columns else None


def _save_form(request: HttpRequest, project: Project, view: SavedView) -> HttpResponse:
    """Save `view` with the posted name and visibility, or render the form with its problems."""
    view.name = request.POST.get("name", "")
    view.shared = "shared" in request.POST
    # Only administrators set the default view, since it is the same for everyone.
    is_admin = project.role == Membership.Role.ADMIN
    try:
        save_view(view, default="default" in request.POST if is_admin else None)
    except InvalidView as error:
        return _render_form(request, project, view, error)
    messages.success(request, f"Saved the view “{view.name}”.")
    return redirect(SavedViewTab.build(view, project).url)


def _render_form(
    request: HttpRequest, project: Project, view: SavedView, error: InvalidView | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "view": view,
        "form_problems": error.problems if error else (),
        "query_problem": "" if error else SavedViewTab.build(view, project).problem,
        "sort_options": [(str(order), sort_headers.describe_order(order)) for order in sort_headers.RUN_ORDERS],
        "chart_options": [(measure or "", label) for measure, label in CHART_LABELS.items()],
        "column_labels": [shown.column.label for shown in run_columns.parse_stored_columns(view.columns or ())],
        "removed_columns": find_removed_columns(view),
        "posted_query": request.POST.get("query", ""),
    }
    return render(request, FORM_TEMPLATE, context, status=422 if error else 200)


def _get_view_or_404(request: HttpRequest, project: Project, number: int) -> SavedView:
    return get_object_or_404(SavedView.objects.visible_to(request.user, project), pk=number)


def _get_editable_view(request: HttpRequest, project: Project, number: int) -> SavedView:
    """Return a view that the user may change: 404 if they do not see it, 403 if they only see it."""
    view = _get_view_or_404(request, project, number)
    view.project = project
    if not view.can_be_changed_by(cast(User, request.user), project.role):
        raise PermissionDenied
    return view
