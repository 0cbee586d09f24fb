"""The reference of the query language."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from runs.models import Project
from runs.query.query_help import LIMITS_HELP, SYNTAX_HELP, VALUE_HELP, build_field_help


@require_safe
@viewer_required
def query_help(request: HttpRequest, project: Project) -> HttpResponse:
    """Show every field, every form of value and every operator, with examples that open the run list."""
    tables = (
        {"heading": "Combining terms", "column": "Syntax", "meaning": "Finds runs", "entries": SYNTAX_HELP},
        {"heading": "Values", "column": "Value", "meaning": "Meaning", "entries": VALUE_HELP},
        {"heading": "Fields", "column": "Field", "meaning": "Finds runs", "entries": build_field_help()},
    )
    context = {"project": project, "tables": tables, "limits": LIMITS_HELP}
    return htmx.render_page(request, "pages/query/help.html", context, {"query-help-content": "pages/query/_help.html"})
