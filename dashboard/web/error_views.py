"""Error pages. Each says what happened and what to do; none repeats the content of the request."""

# ruff: noqa: ARG001 - Django defines the signatures

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from dashboard.monitoring.request_record import get_current_request_id
from runs.api.path_errors import is_api_path, path_error_response
from runs.errors import RequestTimeout

# What the addresses of pages of single objects lead to.
_OBJECT_NOUNS = {
    "run": "run",
    "thread": "thread",
    "assistant": "assistant",
    "tool": "tool",
    "error-group": "error group",
    "saved-view": "saved view",
}


def bad_request_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 400: the request is malformed. Rendered without it: even its user may be invalid."""
    if is_api_path(request.path_info):
        return _api_error(request, 400, "bad_request", "The request is malformed")
    return HttpResponse(render_to_string("web/errors/400.html"), status=400)


def forbidden_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 403: the role of the user does not allow this."""
    context = {"is_submission": request.method not in ("GET", "HEAD")}
    return render(request, "web/errors/403.html", context, status=403)


def not_found_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 404: it does not exist, or the user may not know of it. Both look the same on purpose."""
    if is_api_path(request.path_info):
        return _api_error(request, 404, "not_found", f"Nothing at '{request.path}'")
    match = request.resolver_match
    context = {"noun": _OBJECT_NOUNS.get((match and match.url_name) or "")}
    return render(request, "web/errors/404.html", context, status=404)


def server_error_view(request: HttpRequest) -> HttpResponse:
    """Return the page for 500, rendered without request and database, which may be broken; JSON for API clients.

    Middleware uses the database, too: an outage there is no error of ours, and gets 503.
    """
    is_outage = isinstance(sys.exception(), OperationalError | InterfaceError)
    if not is_api_path(request.path_info):
        return database_unavailable_view(request) if is_outage else _render_server_error("500", 500)
    if is_outage:
        message, headers = "The database is unavailable, try again later", {"Retry-After": "5"}
        return _api_error(request, 503, "database_unavailable", message, headers)
    message = "Internal server error. Nothing from this request was stored"
    return _api_error(request, 500, "server_error", message)


def database_unavailable_view(request: HttpRequest, *, is_disk_full: bool = False) -> HttpResponse:
    """Return the page for 503: the database is not available. Rendered without database access."""
    response = _render_server_error("503", 503, is_disk_full=is_disk_full)
    response["Retry-After"] = "5"
    return response


def query_timeout_view(request: HttpRequest) -> HttpResponse:
    """Return the page for 503: the queries of a page took too long. Its transaction has failed, so without database."""
    return _render_server_error("query_timeout", 503, seconds=settings.READ_TIMEOUT_SECONDS, path=request.path)


def request_timeout_view(request: HttpRequest, exception: RequestTimeout) -> HttpResponse:
    """Return the page for 503: handling a form took too long. Rendered without database access."""
    return _render_server_error("rejected", 503, message=exception.message, home_url=reverse("home"))


def _api_error(
    request: HttpRequest, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> HttpResponse:
    return path_error_response(
        request.path_info, status, code, message,
        content_type=request.META.get("CONTENT_TYPE", ""), headers=headers, request_id=get_current_request_id(),
    )  # fmt: skip


def _render_server_error(template: str, status: int, **context: Any) -> HttpResponse:
    context["request_id"] = get_current_request_id()
    return HttpResponse(render_to_string(f"web/errors/{template}.html", context), status=status)
