"""The comparison of two runs that are selected in the run list."""

from __future__ import annotations

from urllib.parse import parse_qs

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.pages.compare.params import CompareParams
from dashboard.ui.run_list_address import run_list_url_or_default
from dashboard.ui.run_selection import parse_selected_runs
from dashboard.web.permissions import viewer_required
from runs.errors import InvalidFilter
from runs.models import Project, Run


@require_POST
@viewer_required
def compare_selected_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Redirect to the comparison of the two selected runs, with the earlier one on the left.

    Redirect back to the list if not exactly two runs are selected.
    """
    try:
        keys = parse_selected_runs(request)
    except InvalidFilter:
        keys = []
    runs = list(Run.objects.in_project(project).with_ids(keys).newest_first().for_list()[:3])
    if len(runs) != 2:
        messages.warning(request, "Select exactly two runs to compare.")
        return redirect(run_list_url_or_default(project, parse_qs(request.POST.get("query", ""))))
    later, earlier = runs
    params = CompareParams(left=earlier.external_id, right=later.external_id)
    return redirect(reverse("compare", kwargs={"project": project.slug}) + params.query_string())
