"""Completions for the query field of every page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.permissions import viewer_required
from runs.errors import InvalidFilter
from runs.models import Project
from runs.query import RunFilters
from runs.query.autocomplete import suggest_completions
from runs.query.grammar import MAX_QUERY_LENGTH, QUERY_PARAM


@require_safe
@viewer_required
def query_completions(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the completions of the query `q` at the cursor position `at` as the options of a list.

    Runs are counted among those that match every query `scope`.
    """
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    if len(text) > MAX_QUERY_LENGTH or not at.isdecimal() or len(at) > len(str(MAX_QUERY_LENGTH)):
        message = f"Expected q with at most {MAX_QUERY_LENGTH} characters, and at, a position in q."
        return HttpResponseBadRequest(message, content_type="text/plain; charset=utf-8")
    try:
        filters = RunFilters.parse_params({QUERY_PARAM: request.GET.getlist("scope")})
    except InvalidFilter as error:
        return HttpResponseBadRequest(f"scope: {error.message}", content_type="text/plain; charset=utf-8")
    completions = suggest_completions(project, text, int(at), filters)
    return render(request, "pages/query/_completions.html", {"completions": completions})
