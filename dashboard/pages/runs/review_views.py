"""Marking runs as reviewed and as not reviewed: those that are selected in the list, and a single one."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from dashboard.pages.runs.params import RunListParams
from dashboard.pages.runs.rows import ListedRun, fetch_run_rows
from dashboard.ui.run_rows import encode_list_param
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web import htmx
from dashboard.web.permissions import member_required
from runs.errors import InvalidFilter
from runs.models import BulkAction, Project, Run, RunReview, User
from runs.team.reviews import mark_reviewed, unmark_reviewed

UPDATE_TEMPLATE = "pages/runs/_review_update.html"
MARK, UNMARK = BulkAction.Kind.MARK_REVIEWED, BulkAction.Kind.UNMARK_REVIEWED


@require_POST
@member_required
def review_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Mark the selected runs as reviewed, or as not reviewed, and return to the list."""
    params = RunListParams.from_form(project, cast(User, request.user), request.POST)
    # 1. Change the runs.
    try:
        message = _change_reviews(request, project, parse_selected_runs(request))
        status = 200
    except InvalidFilter:
        message, status = "No runs are selected.", 422
    # 2. Return to the list, or update the rows in place.
    if not htmx.is_partial_request(request):
        messages.add_message(request, messages.SUCCESS if status == 200 else messages.WARNING, message)
        return redirect(params.url)
    seen = parse_selected_runs(request, seen_only=True) if status == 200 else []
    context = {"rows": _fetch_rows(params, seen)}
    response = htmx.render_page(request, UPDATE_TEMPLATE, context, status=status)
    trigger_client_event(response, "hint", {"value": message})
    return trigger_client_event(response, "reviewed")


@require_POST
@member_required
def review_run(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Mark a run as reviewed, or as not reviewed, and return to the page of the run.

    The query parameter `list` names the list that the run was opened from. A preview beside a list posts the `query` of
    that list, whose row is updated.
    """
    list_param = encode_list_param(request.GET["list"]) if "list" in request.GET else ""
    run = get_object_or_404(Run, pk=project.record_id(run_id))
    message = _change_reviews(request, project, [run.pk])
    if not htmx.is_partial_request(request):
        messages.success(request, message)
        return redirect(reverse("run", args=[project.slug, run.external_id]) + list_param)
    context: dict[str, Any] = {
        "run": run,
        "project": project,
        "review": RunReview.objects.of_run(run),
        "list_query": list_param,
    }
    if "query" in request.POST:
        params = RunListParams.from_form(project, cast(User, request.user), request.POST)
        context["rows"] = _fetch_rows(params, [run.pk])
    response = htmx.render_page(request, UPDATE_TEMPLATE, context)
    return trigger_client_event(response, "announce", {"value": message})


def _change_reviews(request: HttpRequest, project: Project, keys: Collection[uuid.UUID]) -> str:
    """Do with the runs what the form asks for, and return a message."""
    match request.POST.get("do"):
        case MARK.value:
            count = mark_reviewed(project, keys, cast(User, request.user))
            unchanged, state = "All of the runs are reviewed already.", "reviewed"
        case UNMARK.value:
            count = unmark_reviewed(project, keys)
            unchanged, state = "None of the runs is reviewed.", "not reviewed"
        case _:
            raise BadRequest(f"do: expected {MARK} or {UNMARK}")
    return f"Marked {count:,} run{'' if count == 1 else 's'} as {state}." if count else unchanged


def _fetch_rows(params: RunListParams, keys: Collection[uuid.UUID]) -> list[ListedRun]:
    return fetch_run_rows(params, list(Run.objects.in_project(params.project).with_ids(keys).for_list()))
