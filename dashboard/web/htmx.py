"""The only module that reads HTMX request headers: it chooses the template that responds to a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

# The headers that the choice of a template depends on. Without them, a cache could return a fragment as a page.
VARY_HEADERS = ("HX-Request", "HX-Boosted", "HX-Target", "HX-History-Restore-Request")


class HtmxRequest(HttpRequest):
    """A request after `HtmxMiddleware`."""

    htmx: HtmxDetails


def render_page(
    request: HttpRequest,
    page: str,
    context: dict[str, Any],
    fragments: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page, or the fragment of it that the request swaps in.

    Boosted and history requests replace the whole page and get it. A target without a fragment gets the page, too:
    `hx-select` picks the part.

    Args:
        request: the request.
        page: the template of the page.
        context: the context of either template.
        fragments: templates by the id of the element that they replace.
        status: the status code.
    """
    template = (fragments or {}).get(get_fragment_target(request) or "", page)
    response = render(request, template, context, status=status)
    patch_vary_headers(response, VARY_HEADERS)
    return response


def get_fragment_target(request: HttpRequest) -> str | None:
    """Return the id of the element that the response is swapped into; None if a whole page is expected."""
    return _get_htmx_details(request).target if is_partial_request(request) else None


def is_partial_request(request: HttpRequest) -> bool:
    """Return whether the response is swapped into a page."""
    htmx = _get_htmx_details(request)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def get_current_page_path(request: HttpRequest) -> str:
    """Return the path and query of the page that sent a partial request; "" if it is unknown."""
    return _get_htmx_details(request).current_url_abs_path or ""


def redirect_browser(url: str) -> HttpResponse:
    """Respond to a partial request by redirecting the browser to `url`."""
    return HttpResponseClientRedirect(url)


def _get_htmx_details(request: HttpRequest) -> HtmxDetails:
    return cast(HtmxRequest, request).htmx
