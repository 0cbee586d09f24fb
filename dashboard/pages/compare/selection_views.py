"""From two rows that were ticked in the list to their comparison."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.ui.run_list_address import run_list_url_or_default
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web.permissions import viewer_required
from runs.errors import InvalidFilter
from runs.models import Project, Run


@require_POST
@viewer_required
def compare_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Lead to the comparison of the two selected runs, the earlier one on the left; back where they aren't two."""
    try:
        keys = parse_selected_runs(request)
    except InvalidFilter:
        keys = []
    runs = list(Run.objects.in_project(project).with_ids(keys).newest_first().for_list()[:3])
    if len(runs) != 2:
        messages.warning(request, "Two runs are compared: select two.")
        return redirect(run_list_url_or_default(project, parse_qs(request.POST.get("query", ""))))
    right, left = (run.external_id for run in runs)
    path = reverse("compare", kwargs={"project": project.slug})
    return redirect(f"{path}?{urlencode({'left': left, 'right': right})}")
