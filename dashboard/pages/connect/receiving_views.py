"""Whether runs still come in: what stands at the top of every page of a project."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.web.permissions import viewer_required
from runs.models import Project, Run

TEMPLATE = "ui/_receiving.html"
RECEIVING_WINDOW = timedelta(minutes=10)


@require_safe
@viewer_required
def receiving_status(request: HttpRequest, project: Project) -> HttpResponse:
    """When the last new run was received; asked for again and again by the page that shows it."""
    last = Run.objects.last_received_at(project)
    is_receiving = last is not None and timezone.now() - last < RECEIVING_WINDOW
    return render(request, TEMPLATE, {"project": project, "last": last, "is_receiving": is_receiving, "asked": True})
