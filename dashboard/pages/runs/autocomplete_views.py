"""What may come next in the query field, while it is typed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.query.autocomplete import suggest_completions
from runs.query.grammar import MAX_QUERY_LENGTH

COMPLETIONS_TEMPLATE = "runs/_suggestions.html"


@require_safe
@viewer_required
def query_completions(request: HttpRequest, project: Project) -> HttpResponse:
    """Suggestions for `q` where its character `at` is, as the options of a list."""
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    if len(text) > MAX_QUERY_LENGTH or not at.isdecimal() or len(at) > len(str(MAX_QUERY_LENGTH)):
        return HttpResponseBadRequest("expected q and at", content_type="text/plain; charset=utf-8")
    return render(request, COMPLETIONS_TEMPLATE, {"suggestions": suggest_completions(project, text, int(at))})
