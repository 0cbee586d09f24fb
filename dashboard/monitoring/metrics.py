"""Count requests and processes. Names follow the conventions of Prometheus.

Labels have few values: names of URLs, never paths. Every metric has labels (see `process_values`).
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from dashboard.monitoring.process_values import get_process_name
from dashboard.monitoring.request_record import RequestRecord

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATUS_CLASSES = ("unknown", "1xx", "2xx", "3xx", "4xx", "5xx")
_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

HTTP_REQUESTS = Counter(
    "runglass_http_requests",
    "Requests by method, name of the URL and class of the status; `disconnected` if the client left before",
    ["method", "route", "status"],
)
HTTP_REQUEST_DURATION = Histogram(
    "runglass_http_request_duration_seconds",
    "Time from the arrival of a request, including its wait for a thread, until its response was complete",
    ["method", "route"],
    buckets=_DURATIONS,
)
REJECTED_REQUESTS = Counter(
    "runglass_rejected_requests",
    "Requests that were rejected before a thread worked on them, by lane and reason",
    ["lane", "reason"],
)
LANE_RUNNING = Gauge(
    "runglass_lane_running_requests",
    "Requests that threads of a lane work on, in all workers",
    ["lane"],
    multiprocess_mode="livesum",
)
LANE_WAITING = Gauge(
    "runglass_lane_waiting_requests",
    "Requests that wait for a thread of a lane, in all workers",
    ["lane"],
    multiprocess_mode="livesum",
)
PROCESS_REPLACEMENTS = Counter(
    "runglass_process_replacements", "Processes that were replaced since they had ended or hung", ["kind"]
)
PROCESS_MEMORY = Gauge(
    "runglass_process_resident_memory_bytes",
    "Resident memory of a process",
    ["process"],
    multiprocess_mode="livesum",
)


def count_request(record: RequestRecord) -> None:
    """Count a request that has ended."""
    method = record.method if record.method in _METHODS else "other"
    status = "disconnected" if record.is_disconnected else classify_status(record.status)
    requests, durations = _find_request_metrics(method, record.route, status)
    requests.inc()
    durations.observe(record.seconds)


@cache
def _find_request_metrics(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    """Return the metrics with those labels. Looking them up takes longer than counting."""
    return HTTP_REQUESTS.labels(method, route, status), HTTP_REQUEST_DURATION.labels(method, route)


def classify_status(status: int) -> str:
    """Return the class of a status, such as `2xx`."""
    return _STATUS_CLASSES[status // 100] if 100 <= status < 600 else _STATUS_CLASSES[0]


def measure_memory() -> None:
    """Note the resident memory of this process. Without effect outside of Linux."""
    with suppress(OSError):
        pages = int(_STATM.read_text().split()[1])
        PROCESS_MEMORY.labels(get_process_name()).set(pages * _PAGE_BYTES)
