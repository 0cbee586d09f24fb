"""Middleware that limits the processor time of posts: of objects and of forms."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from dashboard.web.cpu_time_limit import limit_cpu_time
from dashboard.web.error_views import request_timeout_view
from dashboard.web.read_time_limit_middleware import READ_METHODS
from runs.errors import RequestTimeout

logger = logging.getLogger(__name__)


class WriteTimeLimitMiddleware:
    """Ends posts after WRITE_TIMEOUT_SECONDS of processor time. Their transaction is rolled back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request, within the limit unless it is a read."""
        if request.method in READ_METHODS:
            return self.get_response(request)
        with limit_cpu_time(settings.WRITE_TIMEOUT_SECONDS, RequestTimeout):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the error page if a form took too long. The API handles its own exceptions."""
        if not isinstance(exception, RequestTimeout):
            return None
        logger.warning("Handling %s took too long", request.path, extra={"action": "request_timeout"})
        return request_timeout_view(request, exception)
