"""Deleting the runs that are selected in the run list."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qs

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from dashboard.ui.run_list_address import run_list_url_or_default
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web.audit import record_event
from dashboard.web.permissions import admin_required
from runs.errors import InvalidFilter, TooManyRetries
from runs.models import AuditEvent, Project, Run
from runs.team.deletion import delete_runs

CONFIRMATION = "delete"


@require_POST
@admin_required
def delete_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Delete the selected runs if "delete" was typed; render the confirmation page otherwise."""
    list_url = run_list_url_or_default(project, parse_qs(request.POST.get("query", "")))
    try:
        keys = parse_selected_runs(request)
    except InvalidFilter:
        messages.warning(request, "No runs are selected.")
        return redirect(list_url)
    runs = list(Run.objects.in_project(project).with_ids(keys).for_list())
    typed = request.POST.get("confirm") or None
    if typed != CONFIRMATION:
        context = {"runs": runs, "list_url": list_url, "typed": typed, "query": request.POST.get("query", "")}
        return render(request, "pages/runs/delete.html", context, status=200 if typed is None else 400)
    record = partial(record_event, request, project, category=AuditEvent.Category.DELETION)
    try:
        counts = delete_runs(project, [run.external_id for run in runs], record)
    except TooManyRetries as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Deleted {counts}.")
    return redirect(list_url)
