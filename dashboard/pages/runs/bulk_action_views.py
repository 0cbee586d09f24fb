"""Changing all runs that match the filters of the list: what can be done, and how far it has come."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.pages.runs.downloads import build_export_menu
from dashboard.ui.run_list_address import RunListAddress, parse_run_list, run_list_path
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import member_required
from runs.errors import BulkActionInProgress, InvalidTag
from runs.models import BulkAction, Membership, Project, User
from runs.query import RunFilters
from runs.team import bulk_actions
from runs.team.bulk_actions import MAX_BULK_RUNS, BulkRequest
from runs.team.tags import parse_tags

CONFIRMATION = "delete"
SECONDS_PER_REQUEST = 0.5  # of work for each request of the page that shows the progress
FORM_TEMPLATE = "pages/runs/bulk_actions/form.html"
PROGRESS_TEMPLATE = "pages/runs/bulk_actions/progress.html"
PROGRESS_FRAGMENTS = {"bulk-progress": "pages/runs/bulk_actions/_progress.html"}


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@handle_invalid_params
def change_matching_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Render what can be done with all runs that match; on POST, start it and show its progress."""
    query = parse_qs(request.POST.get("query", ""), keep_blank_values=True) if request.method == "POST" else None
    address, filters = parse_run_list(project, dict(request.GET.lists()) if query is None else query)
    problem = ""
    if request.method == "POST":
        try:
            asked = _parse_request(request, project, filters)
            address_of_user = request.META.get("REMOTE_ADDR") or ""
            action = bulk_actions.start_bulk_action(project, cast(User, request.user), address_of_user, asked)
            return redirect("bulk-action", project=project.slug, bulk_number=action.pk)
        except (InvalidTag, BulkActionInProgress) as error:
            problem = error.message
    return _render_form(request, project, filters, address, problem)


def _parse_request(request: HttpRequest, project: Project, filters: RunFilters) -> BulkRequest:
    """Read the posted form. Raises InvalidTag, and PermissionDenied if somebody but an administrator deletes."""
    kind = request.POST.get("do", "")
    if kind == BulkAction.Kind.DELETE:
        if project.role != Membership.Role.ADMIN:
            raise PermissionDenied
        if request.POST.get("confirm") != CONFIRMATION:
            raise InvalidTag("Nothing was deleted: type “delete” to confirm.")
        return BulkRequest(filters, kind)
    if kind in (BulkAction.Kind.MARK_REVIEWED, BulkAction.Kind.UNMARK_REVIEWED):
        return BulkRequest(filters, kind)
    if kind not in BulkAction.Kind.values:
        raise InvalidTag(f"do: expected one of {', '.join(BulkAction.Kind.values)}")
    return BulkRequest(filters, kind, tuple(parse_tags(request.POST.get("tag", ""))))


def _render_form(
    request: HttpRequest, project: Project, filters: RunFilters, address: RunListAddress, problem: str
) -> HttpResponse:
    count = bulk_actions.count_affected_runs(project, filters)
    context: dict[str, Any] = {
        "filters": filters,
        "list_url": address.url(filters),
        "query": address.query_string(filters),
        "count": min(count, MAX_BULK_RUNS),
        "is_capped": count > MAX_BULK_RUNS,
        "max_runs": MAX_BULK_RUNS,
        "exports": build_export_menu(request, project, filters, address),
        "open_action": BulkAction.objects.unfinished(project).first(),
        "problem": problem,
    }
    return htmx.render_page(request, FORM_TEMPLATE, context, status=422 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def bulk_action(request: HttpRequest, project: Project, bulk_number: int) -> HttpResponse:
    """Render how far an action has come. A POST, which the page sends every second, also continues it."""
    action = get_object_or_404(BulkAction.objects.with_user(), project=project, pk=bulk_number)
    if request.method == "POST" and action.ended_at is None:
        deadline = timezone.now().timestamp() + SECONDS_PER_REQUEST
        while bulk_actions.continue_bulk_action(project) and timezone.now().timestamp() < deadline:
            pass
        action.refresh_from_db()
    action.project = project
    filters = RunFilters.parse_query_text(action.query)
    list_url = RunListAddress(run_list_path(project)).url(filters)
    context = {"action": action, "filters": filters, "list_url": list_url}
    return htmx.render_page(request, PROGRESS_TEMPLATE, context, PROGRESS_FRAGMENTS)


@require_POST
@member_required
def bulk_action_cancel(request: HttpRequest, project: Project, bulk_number: int) -> HttpResponse:
    """End an action early. Only its user and administrators may."""
    action = get_object_or_404(BulkAction, project=project, pk=bulk_number)
    if project.role != Membership.Role.ADMIN and action.user_id != request.user.pk:
        raise PermissionDenied
    action.project = project
    bulk_actions.cancel_bulk_action(action)
    messages.info(request, "Cancelled. Changes made before the cancellation remain.")
    return redirect("bulk-action", project=project.slug, bulk_number=bulk_number)
