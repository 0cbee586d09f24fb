"""Answer health checks, whatever else happens and whatever Host they send."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

from dashboard.web import health_views

READINESS_TIMEOUT = 5.0  # seconds for the database to respond


class HealthChecks:
    """Answers `/healthz` without a thread or the database, and `/readyz` with a thread and a connection of its own."""

    def __init__(self) -> None:
        """Create the checks of one process."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._readiness: asyncio.Future[HttpResponse] | None = None

    async def respond(self, path: str, method: str) -> HttpResponse | None:
        """Return the response to a health check; None for any other path."""
        if path not in health_views.HEALTH_CHECKS:
            return None
        request = HttpRequest()
        request.method = method
        if path == health_views.READINESS_PATH:
            return await self._check_readiness(request)
        return health_views.healthz(request)

    async def _check_readiness(self, request: HttpRequest) -> HttpResponse:
        """Return the result of a check. Requests that arrive meanwhile share it."""
        if self._readiness is None or self._readiness.done():
            self._readiness = asyncio.get_running_loop().run_in_executor(self._executor, _respond_readyz, request)
        try:
            return await asyncio.wait_for(asyncio.shield(self._readiness), READINESS_TIMEOUT)
        except TimeoutError:
            return health_views.not_ready_response("the database does not respond")


def _respond_readyz(request: HttpRequest) -> HttpResponse:
    close_old_connections()
    try:
        return health_views.readyz(request)
    finally:
        close_old_connections()
