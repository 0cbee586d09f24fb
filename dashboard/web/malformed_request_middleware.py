"""Middleware that rejects requests which no view can read."""

from __future__ import annotations

import codecs

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from dashboard.web.error_views import bad_request_view


class MalformedRequestMiddleware(MiddlewareMixin):
    """Responds with 400 to a path with NUL, which Postgres can't compare with anything, and to forms not in UTF-8."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Return the error page if the request is malformed."""
        return bad_request_view(request) if "\0" in request.path_info or _has_other_charset(request) else None


def _has_other_charset(request: HttpRequest) -> bool:
    """Return whether a form names another charset than UTF-8.

    Django only rejects this in URL-encoded forms. In others, it decodes with any codec, also with those that aren't for
    text or that yield lone surrogates.
    """
    if request.content_type != "multipart/form-data" or request.encoding is None:
        return False
    return codecs.lookup(request.encoding).name != "utf-8"
