"""The options of the command palette."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.pages.palette.commands import MAX_PALETTE_TEXT, find_palette_commands
from dashboard.web.navigation import PageShell
from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.query.text_limits import find_text_problem


@require_safe
@viewer_required
def palette_commands(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the commands for the parameter `text` as the options of a list."""
    text = request.GET.get("text", "").strip()
    if problem := find_text_problem(text, MAX_PALETTE_TEXT):
        return HttpResponseBadRequest(f"text: {problem}", content_type="text/plain; charset=utf-8")
    commands = find_palette_commands(PageShell(request), project, text)
    return render(request, "pages/palette/_commands.html", {"commands": commands})
