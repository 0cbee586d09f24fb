"""Responses to requests that are rejected before Django handles them."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string

from runs.api.path_errors import is_api_path, path_error_response

_ID_PLACEHOLDER = "REQUEST-ID"


class RequestRejected(Exception):
    """The request is rejected with a status, the code and the message of an API error."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None, close_connection: bool = False
    ) -> None:
        """Reject a request; close the connection if the rest of the body is not read."""
        super().__init__(status)
        self.status = status
        self.code = code
        self.message = message
        self.close_connection = close_connection
        self._retry_after = retry_after

    def build_response(self, path: str, request_id: str, content_type: str = "") -> HttpResponse:
        """Return the response: JSON for clients of the API, a page for people; for exporters as in `content_type`."""
        headers = {} if self._retry_after is None else {"Retry-After": str(self._retry_after)}
        response: HttpResponse
        if is_api_path(path):
            response = path_error_response(
                path, self.status, self.code, self.message,
                content_type=content_type, headers=headers, request_id=request_id,
            )  # fmt: skip
        else:
            page = _render_page(self.message).replace(_ID_PLACEHOLDER, request_id)
            response = HttpResponse(page, status=self.status, headers=headers)
        response["Cache-Control"] = "no-store"
        response["Content-Length"] = str(len(response.content))
        if self.close_connection:
            response["Connection"] = "close"
        return response


@lru_cache(32)
def _render_page(message: str) -> str:
    """Return the page for people. There are few messages, and rejections must be cheap."""
    context = {"message": message, "request_id": _ID_PLACEHOLDER, "home_url": settings.SITE_PATH}
    return render_to_string("web/errors/rejected.html", context)


def slow_body_rejection() -> RequestRejected:
    """Return a rejection with 408: the body arrives too slowly."""
    return RequestRejected(408, "body_too_slow", "The request body did not arrive in time", close_connection=True)


def too_large_rejection(limit: int) -> RequestRejected:
    """Return a rejection with 413: the body is larger than `limit` bytes."""
    message = f"The request body is larger than {limit:,} bytes"
    return RequestRejected(413, "body_too_large", message, close_connection=True)


def busy_rejection(*, close_connection: bool = False) -> RequestRejected:
    """Return a rejection with 503: too many requests of all callers."""
    message = "Too many requests at once. Try again in a few seconds"
    return RequestRejected(503, "busy", message, retry_after=2, close_connection=close_connection)


def too_many_requests_rejection() -> RequestRejected:
    """Return a rejection with 429: too many requests of this caller."""
    message = "Too many of your requests at once. Try again in a few seconds"
    return RequestRejected(429, "too_many_requests", message, retry_after=5)


def database_rejection() -> RequestRejected:
    """Return a rejection with 503: the API key of the request can't be checked now."""
    message = "The database is unavailable, try again later"
    return RequestRejected(503, "database_unavailable", message, retry_after=5, close_connection=True)
