"""The client of the harvest: what it sends, what it retries and when, and what it does not retry."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from runs.transfer.harvest.client import (
    MAX_ATTEMPTS,
    HarvestClient,
    HarvestServer,
    RequestFailed,
    ResourceNotFound,
    ServerKeyRejected,
    ServerUnavailable,
)
from runs.transfer.harvest.rate_limit import HarvestStopped, RateLimiter
from tests.runs.objects import as_written
from tests.runs.transfer.harvest.conftest import Clock
from tests.runs.transfer.harvest.server import AgentServer, Answer, cut, not_json, status

PAGE = {"limit": "100"}


def test_params_and_headers_are_sent(server: AgentServer, client: HarvestClient) -> None:
    client.get("/threads", {"limit": "100", "order": "asc"})
    (request,) = server.requests
    assert request.query == {"limit": "100", "order": "asc", "api-version": "v1"}
    assert request.headers["authorization"] == "Bearer sesame"
    assert request.headers["openai-beta"] == "assistants=v2"


def test_response_keeps_its_json_text(server: AgentServer, client: HarvestClient) -> None:
    plain = rb'{"id": "thread_1", "nul": "\u0000", "slash": "\/", "one": 1.0, "big": 12345678901234567890123}'
    server.lists["/threads"] = [plain]
    assert client.get("/threads", PAGE)["data"] == b"[" + plain + b"]"
    server.lists["/threads"].append(rb'{"id": "thread_2", "lone": "\ud800", "exact": 1.0}')
    data = client.get("/threads", PAGE)["data"]
    assert as_written(data) == [as_written(raw) for raw in server.lists["/threads"]]


@pytest.mark.parametrize(
    "fault",
    [status(429), status(500), status(503), cut, not_json],
    ids=["429", "500", "503", "cut", "not_json"],
)
def test_temporary_failure_is_retried_with_growing_delays(
    server: AgentServer, client: HarvestClient, clock: Clock, fault: Any
) -> None:
    server.faults["/threads"] = [fault] * 3
    assert client.get("/threads", PAGE)["data"] == b"[]"
    assert len(server.requests) == 4
    delays = [wait for wait in clock.waits if wait > 0.1]
    assert [0.5 * 2**n <= delay <= 2**n for n, delay in enumerate(delays)] == [True] * 3


def test_retry_after_in_seconds_is_respected(server: AgentServer, client: HarvestClient, clock: Clock) -> None:
    server.faults["/threads"] = [status(429, Retry_After="30")]
    client.get("/threads", PAGE)
    assert 30 <= clock.now < 31


def test_retry_after_as_date_is_respected(server: AgentServer, client: HarvestClient, clock: Clock) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.faults["/threads"] = [status(503, Retry_After=moment)]
    client.get("/threads", PAGE)
    assert 50 < clock.now < 61


@pytest.mark.parametrize("value", ["soon", "", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_invalid_retry_after_is_ignored(server: AgentServer, client: HarvestClient, clock: Clock, value: str) -> None:
    server.faults["/threads"] = [status(429, Retry_After=value)]
    client.get("/threads", PAGE)
    assert 0.5 <= clock.now <= 1.1


def test_too_long_retry_after_ends_the_harvest(server: AgentServer, client: HarvestClient) -> None:
    server.faults["/threads"] = [status(429, Retry_After="86400")]
    with pytest.raises(ServerUnavailable, match="retry in 86,400 s"):
        client.get("/threads", PAGE)


def test_request_fails_after_max_attempts(server: AgentServer, client: HarvestClient) -> None:
    server.default_fault = status(500)
    with pytest.raises(RequestFailed, match=rf"/threads: 500 Internal Server Error \({MAX_ATTEMPTS} attempts\)"):
        client.get("/threads", PAGE)
    assert len(server.requests) == MAX_ATTEMPTS


def test_many_failed_requests_end_the_harvest(server: AgentServer, client: HarvestClient) -> None:
    server.default_fault = status(400)
    for _ in range(7):
        with pytest.raises(RequestFailed, match=r"400 Bad Request: Error 400\."):
            client.get("/threads", PAGE)
    with pytest.raises(ServerUnavailable, match="8 requests in a row failed"):
        client.get("/threads", PAGE)
    assert len(server.requests) == 8


@pytest.mark.parametrize("code", [401, 403])
def test_rejected_key_is_not_retried(server: AgentServer, client: HarvestClient, code: int) -> None:
    server.default_fault = status(code)
    message = rf"rejected the API key: /threads: {code} .*: Error {code}\."
    with pytest.raises(ServerKeyRejected, match=message) as raised:
        client.get("/threads", PAGE)
    assert "sesame" not in str(raised.value)
    assert len(server.requests) == 1


def test_missing_resource_is_not_retried(server: AgentServer, client: HarvestClient) -> None:
    with pytest.raises(ResourceNotFound, match="404 Not Found: No such thing"):
        client.get("/threads/thread_gone/runs", PAGE)
    assert len(server.requests) == 1


def test_redirects_are_not_followed(server: AgentServer, client: HarvestClient) -> None:
    server.default_fault = lambda *_: Answer(302, headers={"Location": "http://127.0.0.1:1/elsewhere"})
    with pytest.raises(ServerUnavailable, match=r"redirect to http://127\.0\.0\.1:1/elsewhere"):
        client.get("/threads", PAGE)


def test_timeout_is_retried(server: AgentServer, rate_limiter: RateLimiter) -> None:
    def slow(*_: Any) -> None:
        threading.Event().wait(0.3)

    server.faults["/threads"] = [slow]
    with HarvestClient(HarvestServer(server.url), rate_limiter, timeout=httpx.Timeout(0.1)) as client:
        assert client.get("/threads", PAGE)["data"] == b"[]"
    assert len(server.requests) == 2


def test_refused_connection_fails_after_max_attempts(rate_limiter: RateLimiter) -> None:
    with (
        HarvestClient(HarvestServer("http://127.0.0.1:1"), rate_limiter, max_attempts=2) as client,
        pytest.raises(RequestFailed, match="ConnectError"),
    ):
        client.get("/threads", PAGE)


def test_unreachable_server_ends_the_harvest_soon(rate_limiter: RateLimiter, clock: Clock) -> None:
    with (
        HarvestClient(HarvestServer("http://127.0.0.1:1/v1"), rate_limiter) as client,
        pytest.raises(ServerUnavailable, match=r"No server answers at http://127\.0\.0\.1:1/v1: ConnectError"),
    ):
        client.get("/threads", PAGE)
    assert clock.now < 5


def test_unknown_error_body_is_shortened(server: AgentServer, client: HarvestClient) -> None:
    server.default_fault = lambda *_: Answer(400, b"<h1>Bad\n\x1b[31m " + b"x" * 500)
    with pytest.raises(RequestFailed) as raised:
        client.get("/threads", PAGE)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_requests_keep_the_rate(server: AgentServer, clock: Clock) -> None:
    with HarvestClient(HarvestServer(server.url), RateLimiter(1, 2, clock=clock, wait=clock.wait)) as client:
        for _ in range(5):
            client.get("/threads", PAGE)
    assert clock.now == pytest.approx(2.0)


def test_stop_wakes_up_waiting_requests(server: AgentServer) -> None:
    rate_limiter = RateLimiter(1, 1000)
    rate_limiter.pause(60)
    threading.Timer(0.05, rate_limiter.stop).start()
    with HarvestClient(HarvestServer(server.url), rate_limiter) as client, pytest.raises(HarvestStopped):
        client.get("/threads", PAGE)
    assert server.requests == []


def test_error_body_may_be_any_json(server: AgentServer, client: HarvestClient) -> None:
    for body in (
        b"",
        b"[]",
        b'{"error": "no"}',
        b'{"error": {"message": null}}',
        json.dumps({"error": []}).encode(),
    ):
        server.faults["/threads"] = [lambda *_, body=body: Answer(418, body)]
        with pytest.raises(RequestFailed, match="418"):
            client.get("/threads", PAGE)
        client.get("/threads", PAGE)
