"""How to send runs here: snippets that work as they stand, and a note that waits for the first run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.ui import run_rows
from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from runs.models import Project, Run

TEMPLATE = "connect/page.html"
FRAGMENTS = {"waiting": "connect/_waiting.html"}


@require_safe
@viewer_required
def connect(request: HttpRequest, project: Project) -> HttpResponse:
    """The steps, or for the poll of the third one: 204 for as long as there is no run."""
    context = {"project": project, "endpoint": _endpoint(request)} | _newest(project)
    if htmx.get_fragment_target(request) == "waiting" and not context["run"]:
        return HttpResponse(status=204)
    context["created_at"] = int(timezone.now().timestamp())
    return htmx.render_page(request, TEMPLATE, context, FRAGMENTS)


def _endpoint(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("api-runs"))


def _newest(project: Project) -> dict[str, Any]:
    """The newest run of the project and its address; None where none was received."""
    run = Run.objects.in_project(project).newest_first().for_list().first()
    path = reverse("runs", kwargs={"project": project.slug})
    return {"run": run, "run_url": run_rows.build_run_url(path, run) if run else None}
