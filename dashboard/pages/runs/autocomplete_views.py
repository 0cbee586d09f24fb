"""What may come next in the query field, while it is typed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.permissions import project_page
from runs.models import Project
from runs.query.autocomplete import suggest
from runs.query.grammar import MOST_CHARACTERS

FRAGMENT = "runs/_suggestions.html"


@require_safe
@project_page
def fragment(request: HttpRequest, project: Project) -> HttpResponse:
    """Suggestions for `q` where its character `at` is, as the options of a list."""
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    if len(text) > MOST_CHARACTERS or not at.isdecimal() or len(at) > len(str(MOST_CHARACTERS)):
        return HttpResponseBadRequest("expected q and at", content_type="text/plain; charset=utf-8")
    return render(request, FRAGMENT, {"suggestions": suggest(project, text, int(at))})
