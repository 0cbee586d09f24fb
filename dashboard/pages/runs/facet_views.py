"""The facets that the run list reads after itself: tools, tags and metadata of the runs that match."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.pages.runs.metadata_facets import MoreFacets
from dashboard.ui.run_list_address import read_list
from dashboard.web import htmx
from dashboard.web.permissions import project_page
from runs.analytics import facets
from runs.errors import InvalidFilter, Problem
from runs.models import Project

PAGE = "runs/facets.html"
FRAGMENTS = {"more-facets": "runs/_more_facets.html"}
FIND = "find"
LONGEST = 200


@require_safe
@project_page
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """How the runs that the address asks for divide, as links to the list; `find` looks through their metadata."""
    query = dict(request.GET.lists())
    try:
        address, filters = read_list(project, query, also=(FIND,))
        text = _text(query.get(FIND, [""]))
    except InvalidFilter as error:
        return htmx.render_page(request, "refused/page.html", {"problems": error.problems}, status=400)
    found = facets.read(project, filters.search(project), text)
    context = {
        "more": MoreFacets(found, filters, address, text),
        "filters": filters,
        "kept": filters.pairs() + address.kept(),
        "list_url": address.of(filters),
    }
    return htmx.render_page(request, PAGE, context, FRAGMENTS)


def _text(given: list[str]) -> str:
    """What is looked for. Raises InvalidFilter."""
    text = given[-1].strip()
    if len(given) > 1 or len(text) > LONGEST or "\0" in text:
        message = f"expected one text of {LONGEST} characters at the most"
        raise InvalidFilter(f"{FIND}: {message}", [Problem(FIND, message)])
    return text
