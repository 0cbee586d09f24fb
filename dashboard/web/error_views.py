"""Error pages. Each says what happened and what to do; none repeats the content of the request."""

# ruff: noqa: ARG001 - Django defines the signatures

from __future__ import annotations

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from runs.api.path_errors import is_api_path, path_error_response


def bad_request_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 400: the request is malformed. Rendered without it: even its user may be invalid."""
    if is_api_path(request.path_info):
        return path_error_response(request.path_info, 400, "bad_request", "The request is malformed")
    return HttpResponse(render_to_string("web/errors/400.html"), status=400)


def forbidden_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 403: the role of the user does not allow this."""
    return render(request, "web/errors/403.html", status=403)


def not_found_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for 404: it does not exist, or the user may not know of it. Both look the same on purpose."""
    if is_api_path(request.path_info):
        return path_error_response(request.path_info, 404, "not_found", f"Nothing at '{request.path}'")
    return render(request, "web/errors/404.html", status=404)


def server_error_view(request: HttpRequest) -> HttpResponse:
    """Return the page for 500, rendered without request and database, which may be broken; JSON for API clients.

    Middleware uses the database, too: an outage there is no error of ours, and gets 503.
    """
    is_outage = isinstance(sys.exception(), OperationalError | InterfaceError)
    if not is_api_path(request.path_info):
        return database_unavailable_view(request) if is_outage else _server_error_page()
    if is_outage:
        message = "The database is unavailable, try again later"
        return path_error_response(request.path_info, 503, "database_unavailable", message, {"Retry-After": "5"})
    message = "Internal server error. Nothing from this request was stored"
    return path_error_response(request.path_info, 500, "server_error", message)


def database_unavailable_view(request: HttpRequest, *, is_disk_full: bool = False) -> HttpResponse:
    """Return the page for 503: the database is not available. Rendered without database access."""
    response = HttpResponse(render_to_string("web/errors/503.html", {"is_disk_full": is_disk_full}), status=503)
    response["Retry-After"] = "5"
    return response


def query_timeout_view(request: HttpRequest) -> HttpResponse:
    """Return the page for 503: the queries of a page took too long. Its transaction has failed, so without database."""
    context = {"seconds": settings.READ_TIMEOUT_SECONDS, "path": request.path}
    return HttpResponse(render_to_string("web/errors/query_timeout.html", context), status=503)


def _server_error_page() -> HttpResponse:
    return HttpResponse(render_to_string("web/errors/500.html"), status=500)
