"""Middleware that limits the time of pages and REST reads, in the database and in Python."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from dashboard.web.cpu_time_limit import limit_cpu_time
from dashboard.web.error_views import query_timeout_view
from runs.db.query_time_limit import limit_query_time
from runs.errors import QueryTimeout

logger = logging.getLogger(__name__)

READ_METHODS = ("GET", "HEAD")


@contextmanager
def limit_read_time() -> Iterator[None]:
    """Let this block take READ_TIMEOUT_SECONDS at most, in the database, and of processor time.

    Raises:
        QueryTimeout: the time is over.
    """
    seconds = settings.READ_TIMEOUT_SECONDS
    with limit_cpu_time(seconds, QueryTimeout), limit_query_time(seconds):
        yield


class ReadTimeLimitMiddleware:
    """Ends reads after READ_TIMEOUT_SECONDS in the database, or as many seconds of processor time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request, within the limit if it is a read."""
        if request.method not in READ_METHODS:
            return self.get_response(request)
        with limit_read_time():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the error page if a page took too long. The API handles its own exceptions."""
        if not isinstance(exception, QueryTimeout):
            return None
        logger.warning("Reading %s took too long", request.path, extra={"action": "query_timeout"})
        return query_timeout_view(request)
