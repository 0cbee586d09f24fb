"""Tests that a worker keeps no bodies of requests and responses until its next garbage collection."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from dashboard.monitoring.request_record import RequestRecord
from dashboard.server.gateway.wsgi_bridge import build_wsgi_environ, run_wsgi_application
from dashboard.wsgi import application
from runs.models import Project
from tests import factories
from tests.dashboard.server.gateway.asgi import scope

BODY_BYTES = 2_000_000
REQUESTS = 5


@pytest.fixture
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.fixture
def _same_connection() -> Iterator[None]:
    """Keep the connection of the test open between requests, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_same_connection", "_uncollected")
@pytest.mark.parametrize(
    ("method", "path", "padding", "status"),
    [
        ("POST", "/api/v1/runs", BODY_BYTES, 200),
        ("POST", "/api/v1/responses", BODY_BYTES, 200),
        ("POST", "/v1/traces", BODY_BYTES, 400),
        ("POST", "/login/", BODY_BYTES, 403),
        ("GET", "/api/v1/runs/run_large", 0, 200),
        ("GET", "/v1/threads/thread_first/runs/run_large", 0, 200),
    ],
)
def test_request_leaves_nothing_large_behind(
    project: Project, method: str, path: str, padding: int, status: int
) -> None:
    factories.post_run(project, id="run_large", instructions="x" * 250_000, more={"text": "x" * 1_000_000})
    key = factories.make_key(project, "ingest", "read")
    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {key}".encode()),
        (b"content-type", b"application/json"),
    ]
    statuses: list[int] = []
    sizes = []
    for _ in range(REQUESTS):
        request = scope(method, path, headers) | {"query_string": b""}
        environ = build_wsgi_environ(request, RequestRecord("id", method, path, "127.0.0.9"), b"[]" + b" " * padding)
        chunks: list[bytes] = []
        run_wsgi_application(
            application, environ, lambda start: statuses.append(start.status), chunks.append, lambda file: file.close()
        )
        assert padding or len(b"".join(chunks)) > 1_000_000
        del environ, chunks
        sizes.append(tracemalloc.get_traced_memory()[0])
    assert statuses == [status] * REQUESTS
    assert sizes[-1] - sizes[0] < BODY_BYTES / 2
