"""Saved views: all of them, one to be changed, and what leads from one to the list."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.pages.runs.saved_view_tabs import MAX_TABS, build_saved_view_tab, count_saved_views, find_removed_columns
from dashboard.ui import run_columns, sort_headers
from dashboard.ui.run_list_address import parse_run_list
from dashboard.web import query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, member_required, viewer_required
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, InvalidView
from runs.models import Membership, Project, SavedView, User
from runs.team import saved_views

FORM = "views/form.html"
COUNTS_MAX_AGE = 60  # seconds that a browser keeps the counts


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_required
def saved_view_list(request: HttpRequest, project: Project) -> HttpResponse:
    """All views that the reader sees; of a post, the list as it is posted becomes a new one."""
    if request.method == "POST":
        return _create(request, project)
    user, role = cast(User, request.user), project.role
    views = SavedView.objects.visible_to(user, project).with_owners()[: 2 * MAX_TABS]
    rows = [
        {
            "tab": build_saved_view_tab(view, project),
            "may_change": view.can_be_changed_by(user, role),
            "lost": find_removed_columns(view),
        }
        for view in views
    ]
    return render(request, "views/page.html", {"project": project, "rows": rows})


@require_safe
@viewer_required
def saved_view_detail(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """What stays the address of a view: leads to the list, or says why the view can't be understood any more."""
    view = _find(request, project, number)
    tab = build_saved_view_tab(view, project)
    if tab.content is not None:
        return redirect(tab.url)
    may_change = view.can_be_changed_by(cast(User, request.user), project.role)
    return render(request, "views/broken.html", {"project": project, "tab": tab, "may_change": may_change})


@require_safe
@viewer_required
@handle_invalid_params
def saved_view_counts(request: HttpRequest, project: Project) -> HttpResponse:
    """How many runs each tab finds, for the places that wait for the numbers.

    `state` says nothing but of which views it is asked, so that a browser may keep the answer for a while.
    """
    query_params.read_query_params(request, "state")
    views = SavedView.objects.visible_to(cast(User, request.user), project)[:MAX_TABS]
    response = render(request, "runs/_view_counts.html", {"counts": count_saved_views(project, views)})
    patch_cache_control(response, private=True, max_age=COUNTS_MAX_AGE)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def saved_view_edit(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """A form with all of a view; of a post, the view is as it says."""
    view = _own(request, project, number)
    if request.method == "POST":
        view.query = request.POST.get("query", "")
        sort = request.POST.get("sort", "")
        view.sort = "" if sort == str(NEWEST_FIRST) else sort
        if "keep_columns" not in request.POST:
            view.columns = None
        return _save(request, project, view)
    return _form(request, project, view)


@require_POST
@member_required
def saved_view_replace(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """From now on the view shows what the list shows."""
    view = _own(request, project, number)
    try:
        _show(request, project, view, keep_columns=view.columns is not None)
    except InvalidFilter as error:
        messages.error(request, f"The view was not replaced: {error.message}")
    else:
        saved_views.save_view(view)
        messages.success(request, f"“{view.name}” shows this from now on.")
    return redirect(build_saved_view_tab(view, project).url)


@require_POST
@member_required
def saved_view_delete(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Take the view away; runs stay as they are."""
    view = _own(request, project, number)
    view.delete()
    messages.success(request, f"Deleted the view “{view.name}”.")
    return redirect("saved-views", project=project.slug)


def _create(request: HttpRequest, project: Project) -> HttpResponse:
    if project.role not in WRITE_ROLES:
        raise PermissionDenied
    view = SavedView(project=project, owner=cast(User, request.user))
    try:
        _show(request, project, view, keep_columns="keep_columns" in request.POST)
    except InvalidFilter as error:
        messages.error(request, f"The view was not saved: {error.message}")
        return redirect("runs", project=project.slug)
    return _save(request, project, view)


def _show(request: HttpRequest, project: Project, view: SavedView, *, keep_columns: bool) -> None:
    """Let `view` show what the posted list does. Raises InvalidFilter."""
    address, filters = parse_run_list(project, parse_qs(request.POST.get("query", ""), keep_blank_values=True))
    view.query = filters.as_language()
    view.sort = "" if address.order == NEWEST_FIRST else str(address.order)
    shown = run_columns.visible_columns(cast(User, request.user), address.columns)
    view.columns = sorted(shown) if keep_columns else None


def _save(request: HttpRequest, project: Project, view: SavedView) -> HttpResponse:
    """Give `view` the posted name and readers, and store it; or show the form with what is wrong."""
    view.name = request.POST.get("name", "")
    view.shared = "shared" in request.POST
    # only administrators decide what the list opens with for all
    is_admin = project.role == Membership.Role.ADMIN
    try:
        saved_views.save_view(view, default="default" in request.POST if is_admin else None)
    except InvalidView as error:
        return _form(request, project, view, error)
    messages.success(request, f"Saved the view “{view.name}”.")
    return redirect(build_saved_view_tab(view, project).url)


def _form(request: HttpRequest, project: Project, view: SavedView, error: InvalidView | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "view": view,
        "problems": error.problems if error else (),
        "problem": "" if error else build_saved_view_tab(view, project).problem,
        "sorts": [(str(order), sort_headers.describe_order(order)) for order in sort_headers.RUN_ORDERS],
        "kept": [column.label for column in run_columns.RUN_COLUMNS if column.name in (view.columns or ())],
        "lost": find_removed_columns(view),
        "posted_query": request.POST.get("query", ""),
    }
    return render(request, FORM, context, status=422 if error else 200)


def _find(request: HttpRequest, project: Project, number: int) -> SavedView:
    return get_object_or_404(SavedView.objects.visible_to(request.user, project), pk=number)


def _own(request: HttpRequest, project: Project, number: int) -> SavedView:
    """A view that the reader may change; 404 where they don't see it, 403 where they only see it."""
    view = _find(request, project, number)
    view.project = project
    if not view.can_be_changed_by(cast(User, request.user), project.role):
        raise PermissionDenied
    return view
