"""Middleware that responds with 503 instead of 500 when a view can't reach the database."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from dashboard.web.error_views import database_unavailable_view
from runs.db.disk_space import is_disk_full

logger = logging.getLogger(__name__)


class DatabaseOutageMiddleware(MiddlewareMixin):
    """Handles database errors of pages. The API handles its own."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the error page if `exception` means that the database is not available."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.warning("The database is not available: %s", exception, extra={"action": "database_unavailable"})
        return database_unavailable_view(request, is_disk_full=is_disk_full(exception))
