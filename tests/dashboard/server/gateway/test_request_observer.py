"""The gateway counts every request, names it, and answers scrapes without a thread."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from prometheus_client import REGISTRY

from dashboard.server.gateway import body_reader
from dashboard.server.gateway.callers import Caller
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.disconnection import Disconnection
from dashboard.server.gateway.lanes import Lanes
from dashboard.server.gateway.routes import LaneName
from dashboard.server.trusted_proxies import parse_trusted_proxies
from tests.dashboard.server.gateway.asgi import (
    KEY_HEADER,
    AsgiClient,
    build_gateway,
    echo,
    respond,
    run_in_thread,
    scope,
)

PROXY = "10.0.0.1"
LOCAL_HOST = (b"host", b"127.0.0.1:8000")


def read_sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize(
    ("peer", "proposed", "is_accepted"),
    [
        (PROXY, b"3f2a-77e1:trace.5", True),
        ("10.0.0.2", b"3f2a-77e1:trace.5", False),
        (PROXY, b"short", False),
        (PROXY, b"with space in it", False),
        (PROXY, b"x" * 129, False),
        (PROXY, b"forged\nline-of-log", False),
    ],
)
def test_request_id_comes_from_trusted_proxies(peer: str, proposed: bytes, is_accepted: bool) -> None:
    request = scope(headers=[(b"x-request-id", proposed)], address=peer)
    seen: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["HTTP_X_REQUEST_ID"])
        return list(echo(environ, start_response))

    gateway = build_gateway(application, ClientResolver(parse_trusted_proxies([PROXY])))
    run_in_thread(respond(gateway, request))
    assert (seen[0].encode() == proposed) is is_accepted
    assert len(seen[0]) >= 16


def test_rejection_is_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "CHUNK_TIMEOUT", 0.02)
    gateway = build_gateway(echo)
    rejections = {"lane": "ingest", "reason": "body_too_slow"}
    requests = {"method": "POST", "route": "rejected", "status": "4xx"}
    before = read_sample("runglass_rejected_requests_total", **rejections)
    requests_before = read_sample("runglass_http_requests_total", **requests)
    request = scope("POST", "/api/v1/runs", [(b"content-length", b"9"), KEY_HEADER])
    client = run_in_thread(respond(gateway, request, b"half", is_complete=False))
    assert client.status == 408
    assert len(client.headers[b"x-request-id"]) == 16
    assert read_sample("runglass_rejected_requests_total", **rejections) == before + 1
    assert read_sample("runglass_http_requests_total", **requests) == requests_before + 1


@pytest.mark.parametrize("path", ["/api/v1/runs", "/p/default/runs/"])
def test_busy_server_names_the_request(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr("dashboard.server.gateway.fair_queue.QUEUE_TIMEOUT", 0.0)
    monkeypatch.setattr(Lanes, "has_room", lambda *_: False)
    gateway = build_gateway(echo)
    monkeypatch.setattr("dashboard.server.gateway.fair_queue.FairQueue.has_room", lambda *_: False)
    monkeypatch.setattr("dashboard.server.gateway.fair_queue.FairQueue._may_run", lambda *_: False)
    client = run_in_thread(respond(gateway, scope(path=path)))
    assert client.status == 503
    request_id = client.headers[b"x-request-id"]
    assert request_id in client.body
    if path.startswith("/api/"):
        assert json.loads(client.body)["error"]["request_id"] == request_id.decode()


def test_client_that_leaves_is_counted_as_such() -> None:
    async def leave() -> None:
        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
            return list(echo(environ, start_response))

        client = AsgiClient(scope())
        task = asyncio.create_task(client.send_to(build_gateway(application)))
        await asyncio.sleep(0.1)
        client.disconnect()
        await asyncio.wait_for(task, 2)
        release.set()

    labels = {"method": "GET", "route": "unknown", "status": "disconnected"}
    before = read_sample("runglass_http_requests_total", **labels)
    run_in_thread(leave())
    assert read_sample("runglass_http_requests_total", **labels) == before + 1


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", [LOCAL_HOST], 200),
        ("127.0.0.1", [LOCAL_HOST, (b"x-forwarded-for", b"127.0.0.1")], 403),
        (PROXY, [LOCAL_HOST, (b"x-forwarded-for", b"127.0.0.1")], 403),
        (PROXY, [LOCAL_HOST], 403),
    ],
)
def test_scrape_needs_no_thread(peer: str, headers: list[tuple[bytes, bytes]], status: int) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError

    gateway = build_gateway(fail, ClientResolver(parse_trusted_proxies([PROXY])))
    client = run_in_thread(respond(gateway, scope(path="/metrics", headers=headers, address=peer)))
    assert client.status == status
    assert (b"runglass_http_requests_total" in client.body) == (status == 200)


def test_lanes_are_measured() -> None:
    async def wait_in_lane() -> tuple[float, float]:
        gateway = build_gateway(echo)
        stranger = Caller("address", "10.0.0.9")
        release = await gateway.lanes.acquire(LaneName.PAGES, stranger, 0, Disconnection(AsgiClient(scope())._receive))
        waiting = asyncio.create_task(
            gateway.lanes.acquire(LaneName.PAGES, stranger, 0, Disconnection(AsgiClient(scope())._receive))
        )
        await asyncio.sleep(0)
        gateway.measure(None)
        counts = [read_sample(f"runglass_lane_{state}_requests", lane="pages") for state in ("running", "waiting")]
        release()
        (await waiting)()
        return counts[0], counts[1]

    assert run_in_thread(wait_in_lane()) == (1, 1)
