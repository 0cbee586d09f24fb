"""Tests that the work of a request ends when its client goes away, its query in Postgres included."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from dashboard.server.gateway import request_runner
from tests.dashboard.server.gateway.asgi import AsgiClient, build_gateway, respond, run_in_thread, scope

ABANDONED_QUERY = "SELECT pg_sleep(20) /* abandoned */"
pytestmark = pytest.mark.django_db(transaction=True)


class Application:
    """Runs a slow query, and records how it ends and what it takes for its error."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.ended_at = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1" if environ["PATH_INFO"] == "/fast" else ABANDONED_QUERY)
        except DatabaseError as error:
            self.errors.append(str(error))
            raise
        finally:
            self.ended_at = time.monotonic()
            if environ["PATH_INFO"] == "/fast":
                connection.close()
        start_response("200 OK", [])
        return [b"done"]


@pytest.fixture
def application() -> Iterator[Application]:
    yield Application()
    connection.close()


def count_abandoned_queries() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s", [ABANDONED_QUERY])
        count: int = cursor.fetchone()[0]
    return count


def test_query_of_gone_client_is_cancelled(application) -> None:
    async def disconnect() -> float:
        gateway = build_gateway(application)
        client = AsgiClient(scope())
        task = asyncio.create_task(client.send_to(gateway))
        await asyncio.sleep(0.5)
        client.disconnect()
        disconnected_at = time.monotonic()
        await asyncio.wait_for(task, 2)
        while not application.ended_at and time.monotonic() < disconnected_at + 5:
            await asyncio.sleep(0.01)
        # The thread's next request is not affected.
        assert (await respond(gateway, scope(path="/fast"))).body == b"done"
        return disconnected_at

    disconnected_at = run_in_thread(disconnect())
    assert application.ended_at - disconnected_at < 2
    assert application.errors == []  # no view takes it for a failure of the database
    assert count_abandoned_queries() == 0


def test_abandoned_export_is_no_failure(caplog, monkeypatch) -> None:
    monkeypatch.setattr(request_runner.logger, "disabled", False)  # import-linter, when tested before, disables all
    ended = threading.Event()

    def export(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            with transaction.atomic(), connection.chunked_cursor() as cursor:
                cursor.execute(ABANDONED_QUERY)
                yield b"x" * 500_000
                cursor.fetchmany(10)
        finally:
            ended.set()
            connection.close()

    async def leave() -> None:
        client = AsgiClient(scope())
        task = asyncio.create_task(client.send_to(build_gateway(export)))
        await asyncio.sleep(0.3)
        client.disconnect()
        await asyncio.wait_for(task, 2)
        await asyncio.to_thread(ended.wait, 5)
        await asyncio.sleep(0.1)

    run_in_thread(leave())
    assert ended.is_set()
    assert "A request failed" not in caplog.text
