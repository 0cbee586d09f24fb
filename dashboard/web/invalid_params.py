"""The answer to an address that can't be meant: what is wrong with it, by name, in place of what was asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_htmx.http import reswap, retarget

from dashboard.web import htmx
from runs.errors import InvalidFilter

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def handle_invalid_params(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Answer with `refuse` where the view finds that its address can't be meant."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except InvalidFilter as error:
            return render_invalid_params(request, error)

    return guarded


def render_invalid_params(request: HttpRequest, error: InvalidFilter) -> HttpResponse:
    """400 with a page of its own, or 422 in place of `#more`, which asked for a part of one."""
    context = {"problems": error.problems, "address": request.path}
    if htmx.is_partial_request(request):
        response = htmx.render_page(request, "invalid_params/_problems.html", context, status=422)
        return retarget(reswap(response, "innerHTML"), "#more")
    return htmx.render_page(request, "invalid_params/page.html", context, status=400)
