"""How queries are written: the tables of the registry that reads them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.query import query_help as language_help


@require_safe
@viewer_required
def query_help(request: HttpRequest, project: Project) -> HttpResponse:
    """Every field and every way to combine them, with examples that open the list."""
    tables = (("Written", language_help.SYNTAX_HELP), ("Field", language_help.build_field_help()))
    return render(request, "runs/language.html", {"project": project, "tables": tables})
