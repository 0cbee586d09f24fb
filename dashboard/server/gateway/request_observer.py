"""Count and log the requests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dashboard.monitoring.access_log import log_request
from dashboard.monitoring.metrics import REJECTED_REQUESTS, count_request
from dashboard.monitoring.recent_activity import RecentActivity
from dashboard.monitoring.request_record import RequestRecord, choose_request_id
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.disconnection import ClientDisconnected
from dashboard.server.gateway.rejections import RequestRejected
from dashboard.server.gateway.routes import find_route
from dashboard.server.gateway.wsgi_bridge import decode_path

REJECTED_ROUTE = "rejected"
_SERVER_ERROR = 500


class RequestObserver:
    """Makes the records of requests, and counts and logs them at their end."""

    def __init__(self, clients: ClientResolver, script_name: str = "") -> None:
        """Create the observer of one process, for a site below the path `script_name`."""
        self._script_name = script_name
        self.activity = RecentActivity()
        self._clients = clients

    @contextmanager
    def observe(self, scope: dict[str, Any]) -> Iterator[RequestRecord]:
        """Yield the record of a request; the block ends with it, or because the client has gone."""
        address = self._clients.resolve(scope)["client"][0]
        request_id = choose_request_id(self._clients.read_request_id(scope))
        record = RequestRecord(request_id, scope["method"], decode_path(scope, self._script_name), address)
        try:
            yield record
        except ClientDisconnected:
            record.is_disconnected = True
        finally:
            record.status = record.status or _SERVER_ERROR
            count_request(record)
            log_request(record)
            self.activity.note_request(record)

    def note_rejection(self, record: RequestRecord, rejection: RequestRejected) -> None:
        """Count a request that no thread works on."""
        record.route = REJECTED_ROUTE
        lane = find_route(record.method, record.path).lane.value
        REJECTED_REQUESTS.labels(lane, rejection.code).inc()
        self.activity.note_refusal(rejection.code, lane, record.address)
