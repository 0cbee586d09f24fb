"""The front door: leads to the runs of the project that was looked at last."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.web import last_project
from runs.models import Project


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponseBase:
    """Redirect to a project's runs; whoever is in no project is told how to get into one."""
    projects = list(Project.objects.visible_to(request.user))
    if not projects:
        return render(request, "home/page.html")
    return redirect("runs", project=_chosen(projects, last_project.get_last_project_slug(request)).slug)


def _chosen(projects: list[Project], slug: str | None) -> Project:
    return next((project for project in projects if project.slug == slug), projects[0])
