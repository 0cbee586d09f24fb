"""Failures as pages. Each says what happened and what to do; none repeats what the request contained."""

# ruff: noqa: ARG001 - the signatures are Django's

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

# Where answers are JSON, whatever happens.
API_PATH_PREFIXES = ("/api/", "/v1/", "/openai/")
SERVER_ERROR_MESSAGE = "Something went wrong on this server. Nothing of this request was stored."


def bad_request_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request so malformed that nothing about it, its user included, can be relied on."""
    return HttpResponse(render_to_string("errors/400.html"), status=400)


def forbidden_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: signed in, but not for this."""
    return render(request, "errors/403.html", status=403)


def csrf_failure_view(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that was not sent from one of our pages, or from one that is too old."""
    return render(request, "errors/403.html", {"stale_form": True}, status=403)


def not_found_view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing here, or nothing that this user may know of. The two look alike on purpose."""
    return render(request, "errors/404.html", status=404)


def server_error_view(request: HttpRequest) -> HttpResponse:
    """500: rendered without request or database, since either may be what is broken; JSON for the APIs' clients."""
    if request.path.startswith(API_PATH_PREFIXES):
        error = {"code": "server_error", "type": "server_error", "message": SERVER_ERROR_MESSAGE, "fields": []}
        return JsonResponse({"error": error}, status=500)
    return HttpResponse(render_to_string("errors/500.html"), status=500)


def database_unavailable_view(request: HttpRequest) -> HttpResponse:
    """503: the database does not answer. Rendered without it."""
    response = HttpResponse(render_to_string("errors/503.html"), status=503)
    response["Retry-After"] = "5"
    return response
