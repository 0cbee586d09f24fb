"""A line in the log for each request: always for slow and failed ones, for all others if it is asked for."""

from __future__ import annotations

import logging

from django.conf import settings

from dashboard.monitoring.request_record import RequestRecord, bind_record

logger = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
_MAX_PATH_LENGTH = 300
_TOO_MANY_REQUESTS = 429


def log_request(record: RequestRecord) -> None:
    """Write the line of a request that has ended."""
    is_failed = record.status >= 500 or record.status == _TOO_MANY_REQUESTS
    is_notable = is_failed or record.seconds >= SLOW_SECONDS
    if not (is_notable or settings.LOG_ALL_REQUESTS):
        return
    status = "client left" if record.is_disconnected else record.status
    level = logging.WARNING if is_failed else logging.INFO
    path = ascii(record.path)[1:-1][:_MAX_PATH_LENGTH]  # nobody can forge or break a line
    with bind_record(record):
        logger.log(
            level, "%s %s: %s after %.3f s", record.method, path, status, record.seconds, extra={"action": "access"}
        )
