"""The answer to an address that can't be meant: what is wrong with it, by name, in place of what was asked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django_htmx.http import reswap, retarget

from dashboard import htmx
from runs.errors import InvalidFilter


def refuse(request: HttpRequest, error: InvalidFilter) -> HttpResponse:
    """400 with a page of its own, or 422 in place of `#more`, which asked for a part of one."""
    context = {"problems": error.problems, "address": request.path}
    if htmx.is_partial(request):
        response = htmx.render_page(request, "refused/_problems.html", context, status=422)
        return retarget(reswap(response, "innerHTML"), "#more")
    return htmx.render_page(request, "refused/page.html", context, status=400)
