"""Middleware: a page whose view can't reach the database says so, with 503, in place of failing with 500."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from dashboard.web.error_views import database_unavailable_view

logger = logging.getLogger(__name__)


class DatabaseOutageMiddleware(MiddlewareMixin):
    """The API answers for itself; what leaves another view comes here."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page of an outage where that is what happened."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.warning("The database is away: %s", exception, extra={"action": "database_away"})
        return database_unavailable_view(request)
