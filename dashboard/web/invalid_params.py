"""The response to a URL with invalid query parameters: what is wrong, by name, instead of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.encoding import escape_uri_path
from django_htmx.http import reswap, retarget

from dashboard.web import htmx
from dashboard.web.query_control import QueryControl
from runs.errors import InvalidFilter, Problem
from runs.query import RunFilters
from runs.query.grammar import QUERY_PARAM, find_query_mistake

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def handle_invalid_params(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Respond with `render_invalid_params` if the view raises InvalidFilter."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except InvalidFilter as error:
            return render_invalid_params(request, error)

    return wrapper


def render_invalid_params(request: HttpRequest, error: InvalidFilter) -> HttpResponse:
    """Return a page with status 400; for a partial request, a fragment with status 422 that replaces `#more`."""
    field = _build_query_field(request, error)
    shown = [problem for problem in error.problems if field is None or problem.path != QUERY_PARAM]
    context = {
        "problems": error.problems,
        "path": escape_uri_path(request.path),
        "field": field,
        "shown_problems": shown,
    }
    if htmx.is_partial_request(request):
        response = htmx.render_page(request, "web/invalid_params/_problems.html", context, status=422)
        return retarget(reswap(response, "innerHTML"), "#more")
    return htmx.render_page(request, "web/invalid_params/page.html", context, status=400)


def _build_query_field(request: HttpRequest, error: InvalidFilter) -> QueryControl | None:
    """Return the query field with the query that could not be read; None if `error` has another reason."""
    typed = next((text for text in request.GET.getlist(QUERY_PARAM) if _is_reported(text, error)), "")
    if not typed:
        return None
    invalid_names = {problem.path for problem in error.problems} - {QUERY_PARAM}
    valid = {name: values for name, values in request.GET.lists() if name not in invalid_names}
    valid[QUERY_PARAM] = [text for text in request.GET.getlist(QUERY_PARAM) if not find_query_mistake(text)]
    others = {name: values for name, values in valid.items() if name not in (*RunFilters.PARAM_NAMES, "cursor")}
    other_query = urlencode(others, doseq=True)
    path = escape_uri_path(request.path)
    return QueryControl(
        "Query",
        path,
        RunFilters.parse_params({name: values for name, values in valid.items() if name in RunFilters.PARAM_NAMES}),
        lambda filters: f"{path}?{'&'.join(filter(None, (filters.to_query_string(), other_query)))}",
        other_params=tuple((name, value) for name, values in others.items() for value in values),
        has_time_menu=False,
        typed_text=typed,
    )


def _is_reported(text: str, error: InvalidFilter) -> bool:
    mistake = find_query_mistake(text)
    return mistake is not None and Problem(QUERY_PARAM, mistake.problem_message) in error.problems
