"""Answer scrapes, whatever else happens: with a thread of its own, and without the database."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from dashboard.monitoring.request_record import RequestRecord
from dashboard.server.gateway.wsgi_bridge import build_wsgi_environ
from dashboard.web.metrics_views import METRICS_PATH, metrics


class MetricsEndpoint:
    """Answers `/metrics`."""

    def __init__(self) -> None:
        """Create the endpoint of one process."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    async def respond(self, scope: dict[str, Any], record: RequestRecord) -> HttpResponse | None:
        """Return the response to a scrape; None for any other path.

        `scope` has all headers, since those of proxies decide about access; `record` has the client's address.
        """
        if record.path != METRICS_PATH:
            return None
        record.route = "metrics"
        environ = build_wsgi_environ(scope, record, b"") | {"REMOTE_ADDR": record.address}
        return await asyncio.get_running_loop().run_in_executor(self._executor, metrics, WSGIRequest(environ))
