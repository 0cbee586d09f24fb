"""One door to HTMX: which template answers a request. No other module reads HX headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

# Everything the choice of a template depends on, so that no cache hands a fragment to a person.
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
    """Render `page`, or the one of its `fragments` (target id -> template) that the request swaps in.

    Boosted and history requests replace the whole page and get it; so does a target that has no fragment,
    which leaves the selection to `hx-select`.
    """
    template = (fragments or {}).get(get_fragment_target(request) or "", page)
    response = render(request, template, context, status=status)
    patch_vary_headers(response, VARY_HEADERS)
    return response


def get_fragment_target(request: HttpRequest) -> str | None:
    """The id of the element that the response is swapped into; None when a whole page is wanted."""
    htmx = _get_htmx_details(request)
    if not htmx or htmx.boosted or htmx.history_restore_request:
        return None
    return htmx.target


def is_partial_request(request: HttpRequest) -> bool:
    """Whether the response lands inside a page, whatever element it is swapped into."""
    htmx = _get_htmx_details(request)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def get_current_page_path(request: HttpRequest) -> str:
    """Path and query of the page that a partial request was sent from; "" when unknown."""
    return _get_htmx_details(request).current_url_abs_path or ""


def redirect_browser(url: str) -> HttpResponse:
    """Answer a partial request by sending the whole browser to `url`."""
    return HttpResponseClientRedirect(url)


def _get_htmx_details(request: HttpRequest) -> HtmxDetails:
    return cast(HtmxRequest, request).htmx
