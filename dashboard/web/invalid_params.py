"""The response to a URL with invalid query parameters: what is wrong, by name, instead of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.encoding import escape_uri_path
from django_htmx.http import reswap, retarget

from dashboard.web import htmx
from runs.errors import InvalidFilter

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
    context = {"problems": error.problems, "path": escape_uri_path(request.path)}
    if htmx.is_partial_request(request):
        response = htmx.render_page(request, "web/invalid_params/_problems.html", context, status=422)
        return retarget(reswap(response, "innerHTML"), "#more")
    return htmx.render_page(request, "web/invalid_params/page.html", context, status=400)
