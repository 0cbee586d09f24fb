"""Polite and patient: what is asked again, when, and what is not."""

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
from tests.runs.harvest.conftest import Clock
from tests.runs.harvest.server import AgentServer, Answer, cut, nonsense, status
from tests.runs.objects import as_written

PAGE = {"limit": "100"}


def test_what_is_sent(server: AgentServer, client: HarvestClient) -> None:
    client.get("/threads", {"limit": "100", "order": "asc"})
    (request,) = server.requests
    assert request.query == {"limit": "100", "order": "asc", "api-version": "v1"}
    assert request.headers["authorization"] == "Bearer sesame"
    assert request.headers["openai-beta"] == "assistants=v2"


def test_an_answer_comes_as_it_was_written(server: AgentServer, client: HarvestClient) -> None:
    plain = rb'{"id": "thread_1", "nul": "\u0000", "slash": "\/", "one": 1.0, "big": 12345678901234567890123}'
    server.lists["/threads"] = [plain]
    assert client.get("/threads", PAGE)["data"] == b"[" + plain + b"]"
    server.lists["/threads"].append(rb'{"id": "thread_2", "lone": "\ud800", "exact": 1.0}')
    data = client.get("/threads", PAGE)["data"]
    assert as_written(data) == [as_written(raw) for raw in server.lists["/threads"]]


@pytest.mark.parametrize(
    "fault",
    [status(429), status(500), status(503), cut, nonsense],
    ids=["429", "500", "503", "cut", "nonsense"],
)
def test_a_passing_fault_is_asked_again_with_growing_pauses(
    server: AgentServer, client: HarvestClient, clock: Clock, fault: Any
) -> None:
    server.faults["/threads"] = [fault] * 3
    assert client.get("/threads", PAGE)["data"] == b"[]"
    assert len(server.requests) == 4
    pauses = [wait for wait in clock.waits if wait > 0.1]
    assert [0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses)] == [True] * 3


def test_retry_after_in_seconds_holds_everybody_back(server: AgentServer, client: HarvestClient, clock: Clock) -> None:
    server.faults["/threads"] = [status(429, Retry_After="30")]
    client.get("/threads", PAGE)
    assert 30 <= clock.now < 31


def test_retry_after_may_be_a_date(server: AgentServer, client: HarvestClient, clock: Clock) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.faults["/threads"] = [status(503, Retry_After=moment)]
    client.get("/threads", PAGE)
    assert 50 < clock.now < 61


@pytest.mark.parametrize("told", ["soon", "", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_useful_changes_nothing(
    server: AgentServer, client: HarvestClient, clock: Clock, told: str
) -> None:
    server.faults["/threads"] = [status(429, Retry_After=told)]
    client.get("/threads", PAGE)
    assert 0.5 <= clock.now <= 1.1


def test_a_server_that_asks_for_too_long_a_pause_ends_it(server: AgentServer, client: HarvestClient) -> None:
    server.faults["/threads"] = [status(429, Retry_After="86400")]
    with pytest.raises(ServerUnavailable, match="come back in 86,400 s"):
        client.get("/threads", PAGE)


def test_a_request_is_given_up_after_so_many_tries(server: AgentServer, client: HarvestClient) -> None:
    server.standing = status(500)
    with pytest.raises(RequestFailed, match=f"/threads: 500 Internal Server Error, {MAX_ATTEMPTS} times"):
        client.get("/threads", PAGE)
    assert len(server.requests) == MAX_ATTEMPTS


def test_a_server_that_fails_everything_is_left_alone(server: AgentServer, client: HarvestClient) -> None:
    server.standing = status(400)
    for _ in range(7):
        with pytest.raises(RequestFailed, match=r"400 Bad Request: Told so: 400\."):
            client.get("/threads", PAGE)
    with pytest.raises(ServerUnavailable, match="8 requests in a row failed"):
        client.get("/threads", PAGE)
    assert len(server.requests) == 8


@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_key_ends_it_at_once(server: AgentServer, client: HarvestClient, code: int) -> None:
    server.standing = status(code)
    with pytest.raises(ServerKeyRejected, match=rf"refuses the key: /threads: {code} .*: Told so: {code}\.") as raised:
        client.get("/threads", PAGE)
    assert "sesame" not in str(raised.value)
    assert len(server.requests) == 1


def test_what_is_not_there_is_not_asked_again(server: AgentServer, client: HarvestClient) -> None:
    with pytest.raises(ResourceNotFound, match="404 Not Found: No such thing"):
        client.get("/threads/thread_gone/runs", PAGE)
    assert len(server.requests) == 1


def test_a_key_is_never_sent_elsewhere(server: AgentServer, client: HarvestClient) -> None:
    server.standing = lambda *_: Answer(302, headers={"Location": "http://127.0.0.1:1/elsewhere"})
    with pytest.raises(ServerUnavailable, match=r"http://127\.0\.0\.1:1/elsewhere"):
        client.get("/threads", PAGE)


def test_an_answer_that_is_too_slow_is_asked_again(server: AgentServer, pace: RateLimiter) -> None:
    def slow(*_: Any) -> None:
        threading.Event().wait(0.3)

    server.faults["/threads"] = [slow]
    with HarvestClient(HarvestServer(server.url), pace, timeout=httpx.Timeout(0.1)) as client:
        assert client.get("/threads", PAGE)["data"] == b"[]"
    assert len(server.requests) == 2


def test_a_server_that_is_not_there_is_given_up(pace: RateLimiter) -> None:
    with (
        HarvestClient(HarvestServer("http://127.0.0.1:1"), pace, tries=2) as client,
        pytest.raises(RequestFailed, match="ConnectError"),
    ):
        client.get("/threads", PAGE)


def test_an_address_where_nobody_ever_answered_ends_it_soon(pace: RateLimiter, clock: Clock) -> None:
    with (
        HarvestClient(HarvestServer("http://127.0.0.1:1/v1"), pace) as client,
        pytest.raises(ServerUnavailable, match=r"No server answers at http://127\.0\.0\.1:1/v1: ConnectError"),
    ):
        client.get("/threads", PAGE)
    assert clock.now < 5


def test_an_error_in_another_shape_is_told_on_one_short_line(server: AgentServer, client: HarvestClient) -> None:
    server.standing = lambda *_: Answer(400, b"<h1>Bad\n\x1b[31m " + b"x" * 500)
    with pytest.raises(RequestFailed) as raised:
        client.get("/threads", PAGE)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_requests_keep_their_distance(server: AgentServer, clock: Clock) -> None:
    with HarvestClient(HarvestServer(server.url), RateLimiter(1, 2, clock=clock, wait=clock.wait)) as client:
        for _ in range(5):
            client.get("/threads", PAGE)
    assert clock.now == pytest.approx(2.0)


def test_who_waits_is_woken_when_it_is_over(server: AgentServer) -> None:
    pace = RateLimiter(1, 1000)
    pace.hold(60)
    threading.Timer(0.05, pace.stop).start()
    with HarvestClient(HarvestServer(server.url), pace) as client, pytest.raises(HarvestStopped):
        client.get("/threads", PAGE)
    assert server.requests == []


def test_json_told_in_an_error_may_be_anything(server: AgentServer, client: HarvestClient) -> None:
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
