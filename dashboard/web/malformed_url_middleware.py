"""Middleware that rejects paths which no stored name can have."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from dashboard.web.error_views import bad_request_view


class MalformedUrlMiddleware(MiddlewareMixin):
    """Responds with 400 to a path with NUL, which Postgres can't compare with anything."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Return the error page if the path is malformed."""
        return bad_request_view(request) if "\0" in request.path_info else None
