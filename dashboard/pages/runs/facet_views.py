"""The facets that the run list reads after itself: tools, tags and metadata of the runs that match."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.pages.runs.metadata_facets import DeferredFacets
from dashboard.ui.run_list_address import parse_run_list
from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from runs.analytics import facets
from runs.errors import InvalidFilter, Problem
from runs.models import Project

PAGE_TEMPLATE = "runs/facets.html"
FRAGMENT_TEMPLATES = {"more-facets": "runs/_more_facets.html"}
SEARCH_PARAM = "find"
MAX_SEARCH_LENGTH = 200


@require_safe
@viewer_required
def run_facets(request: HttpRequest, project: Project) -> HttpResponse:
    """How the runs that the address asks for divide, as links to the list; `find` looks through their metadata."""
    query = dict(request.GET.lists())
    try:
        address, filters = parse_run_list(project, query, also=(SEARCH_PARAM,))
        text = _text(query.get(SEARCH_PARAM, [""]))
    except InvalidFilter as error:
        return htmx.render_page(request, "invalid_params/page.html", {"problems": error.problems}, status=400)
    found = facets.fetch_related_facets(project, filters.plan(project), text)
    context = {
        "more": DeferredFacets(found, filters, address, text),
        "filters": filters,
        "kept": filters.pairs() + address.kept(),
        "list_url": address.of(filters),
    }
    return htmx.render_page(request, PAGE_TEMPLATE, context, FRAGMENT_TEMPLATES)


def _text(given: list[str]) -> str:
    """What is looked for. Raises InvalidFilter."""
    text = given[-1].strip()
    if len(given) > 1 or len(text) > MAX_SEARCH_LENGTH or "\0" in text:
        message = f"expected one text of {MAX_SEARCH_LENGTH} characters at the most"
        raise InvalidFilter(f"{SEARCH_PARAM}: {message}", [Problem(SEARCH_PARAM, message)])
    return text
