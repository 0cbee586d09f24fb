"""How queries are written: the tables of the registry that reads them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.permissions import project_page
from runs.models import Project
from runs.query import query_help


@require_safe
@project_page
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """Every field and every way to combine them, with examples that open the list."""
    tables = (("Written", query_help.SYNTAX), ("Field", query_help.entries()))
    return render(request, "runs/language.html", {"project": project, "tables": tables})
