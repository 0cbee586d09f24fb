"""Tests of the gateway alone: bodies, lanes, disconnections, and the bridge from ASGI to WSGI."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import pytest

from dashboard.server import lock_waits
from dashboard.server.gateway import body_reader, callers, fair_queue, request_runner, response_buffer
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.disconnection import ClientDisconnected
from dashboard.server.gateway.lanes import LARGE_BODY_BYTES
from dashboard.server.trusted_proxies import parse_trusted_proxies
from tests.dashboard.server.gateway.asgi import (
    KEY_HEADER,
    MAX_BODY_BYTES,
    MAX_FORM_BYTES,
    AsgiClient,
    build_gateway,
    echo,
    respond,
    run_in_thread,
    scope,
)

CHUNKED = (b"transfer-encoding", b"chunked")
INGEST_PATH = "/api/v1/runs"


def declared(length: int) -> tuple[bytes, bytes]:
    return b"content-length", str(length).encode()


def test_body_arrives_complete() -> None:
    client = run_in_thread(respond(build_gateway(echo), scope("POST", "/a%2Fb/%C3%A9", [declared(7)]), b"one ", b"two"))

    assert (client.status, client.body) == (200, b"one two")
    assert client.headers == {b"x-path": "/a/b/é".encode(), b"x-length": b"7"}


def test_hanging_body_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "CHUNK_TIMEOUT", 0.05)
    request = scope("POST", INGEST_PATH, [declared(100), KEY_HEADER])
    client = run_in_thread(respond(build_gateway(echo), request, b"half", is_complete=False))

    assert client.status == 408
    assert json.loads(client.body)["error"]["code"] == "body_too_slow"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        # objects: the application answers 401 without a key, and 413 with one
        (INGEST_PATH, [declared(MAX_BODY_BYTES)], 200),
        (INGEST_PATH, [CHUNKED], 200),
        (INGEST_PATH, [declared(MAX_BODY_BYTES + 1), KEY_HEADER], 200),
        # forms
        ("/login/", [declared(MAX_FORM_BYTES)], 413),
        ("/p/default/delete/", [declared(MAX_FORM_BYTES)], 200),
        ("/p/default/delete/", [CHUNKED], 200),
        # paths that take no bodies
        ("/unknown", [declared(MAX_FORM_BYTES)], 200),
        ("/v1/threads", [declared(MAX_FORM_BYTES), KEY_HEADER], 200),
    ],
)
def test_body_that_may_not_be_sent_is_not_read(monkeypatch, path, headers, status) -> None:
    monkeypatch.setattr(body_reader, "DISCARD_SECONDS", 0.0)
    request = scope("POST", path, headers)
    client = run_in_thread(respond(build_gateway(echo), request, b"x" * 30_000, is_complete=False))

    assert client.status == status
    assert b"xxx" not in client.body
    assert client.headers[b"connection"] == b"close"


@pytest.mark.parametrize("path", ["/login/", INGEST_PATH, "/unknown"])
def test_strangers_may_send_small_bodies(path) -> None:
    client = run_in_thread(respond(build_gateway(echo), scope("POST", path, [declared(5)]), b"small"))

    assert (client.status, client.body) == (200, b"small")


def test_endless_body_is_cut_off() -> None:
    request = scope("POST", INGEST_PATH, [CHUNKED, KEY_HEADER])
    chunk = b"x" * (MAX_BODY_BYTES - 1)
    client = run_in_thread(respond(build_gateway(echo), request, chunk, chunk, is_complete=True))

    assert (client.status, client.body) == (200, b"x" * (MAX_BODY_BYTES + 1))
    assert client.headers[b"connection"] == b"close"


def test_rest_of_rejected_body_is_discarded() -> None:
    """A client that sends all before it reads would otherwise never see the response."""
    request = scope("POST", "/login/", [declared(90_000)])
    client = run_in_thread(respond(build_gateway(echo), request, *[b"x" * 30_000] * 3))

    assert client.status == 413
    assert client.received_bytes == 90_000


def test_slowest_body_of_greediest_caller_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "is_usable_api_key", lambda _: True)

    async def exceed_memory() -> tuple[list[int], int, int]:
        gateway = build_gateway(echo)
        request = scope("POST", INGEST_PATH, [declared(MAX_BODY_BYTES), KEY_HEADER])
        greedy = [
            AsgiClient(request, b"x" * (MAX_BODY_BYTES - n), is_complete=False)
            for n in range(body_reader.MAX_BUFFERED_BODIES)
        ]
        tasks = [asyncio.create_task(client.send_to(gateway)) for client in greedy]
        await asyncio.sleep(0.1)
        other = scope("POST", INGEST_PATH, [declared(MAX_BODY_BYTES), (b"authorization", b"Bearer other")])
        admitted = await respond(gateway, other, b"x" * MAX_BODY_BYTES)
        evicted = [client.status for client in greedy if client.sent]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return evicted, admitted.status, (await respond(gateway, request, b"x" * MAX_BODY_BYTES)).status

    assert run_in_thread(exceed_memory()) == ([503], 200, 200)


def test_held_bodies_of_strangers_stop_nobody() -> None:
    async def hold_bodies() -> int:
        gateway = build_gateway(echo)
        held = [
            AsgiClient(scope("POST", "/login/", [declared(10_000)]), b"x" * 9_000, is_complete=False)
            for _ in range(2 * body_reader.MAX_SMALL_BODIES)
        ]
        tasks = [asyncio.create_task(client.send_to(gateway)) for client in held]
        await asyncio.sleep(0.1)
        request = scope("POST", INGEST_PATH, [declared(MAX_BODY_BYTES), KEY_HEADER])
        status = (await respond(gateway, request, b"x" * MAX_BODY_BYTES)).status
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return status

    assert run_in_thread(hold_bodies()) == 200


def test_large_posts_in_a_slow_queue_are_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "QUEUE_TIMEOUT", 0.05)
    release = threading.Event()

    def block(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        if int(environ["CONTENT_LENGTH"]) > LARGE_BODY_BYTES:
            release.wait(10)
        return echo(environ, start_response)

    async def post_thrice() -> list[int]:
        gateway = build_gateway(block)
        request = scope("POST", INGEST_PATH, [CHUNKED, KEY_HEADER])
        large = b"x" * (LARGE_BODY_BYTES + 1)
        running = asyncio.create_task(respond(gateway, request, large))
        await asyncio.sleep(0.05)
        statuses = [(await respond(gateway, request, body)).status for body in (b"small", large)]
        release.set()
        return [*statuses, (await running).status]

    assert run_in_thread(post_thrice()) == [200, 503, 200]


def test_waiting_request_leaves_the_queue_on_disconnect() -> None:
    release, paths = threading.Event(), []

    def block(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        paths.append(environ["PATH_INFO"])
        release.wait(10)
        return echo(environ, start_response)

    async def disconnect_while_waiting() -> AsgiClient:
        gateway = build_gateway(block)
        running = asyncio.create_task(respond(gateway, scope("POST", "/login/")))
        await asyncio.sleep(0.05)
        waiting = AsgiClient(scope("POST", "/login/"))
        task = asyncio.create_task(waiting.send_to(gateway))
        await asyncio.sleep(0.1)
        waiting.disconnect()
        await asyncio.wait_for(task, 1)
        release.set()
        await running
        return waiting

    assert run_in_thread(disconnect_while_waiting()).sent == []
    assert paths == ["/login/"]


def test_sign_ins_of_one_address_are_limited() -> None:
    release = threading.Event()

    def block(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            release.wait(10)
        return echo(environ, start_response)

    async def flood() -> tuple[list[AsgiClient], AsgiClient]:
        gateway = build_gateway(block)
        flooding = [asyncio.create_task(respond(gateway, scope("POST", "/login/"))) for _ in range(30)]
        await asyncio.sleep(0.05)
        other = asyncio.create_task(respond(gateway, scope("POST", "/login/", address="127.0.0.10")))
        page = await respond(gateway, scope("GET", "/login/"))
        release.set()
        return [await task for task in [*flooding, other]], page

    clients, page = run_in_thread(flood())
    refused = [client for client in clients if client.status == 429]
    assert len(refused) == 21
    assert {client.headers[b"Retry-After".lower()] for client in refused} == {b"5"}
    assert clients[-1].status == page.status == 200


def test_response_ends_work_when_client_leaves() -> None:
    ended = threading.Event()

    def stream(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                time.sleep(0.001)
                yield b"x" * 10_000
        finally:
            ended.set()

    async def leave() -> None:
        client = AsgiClient(scope())
        task = asyncio.create_task(client.send_to(build_gateway(stream)))
        await asyncio.sleep(0.2)
        client.disconnect()
        await asyncio.wait_for(task, 1)
        assert not client.is_answered

    run_in_thread(leave())
    assert ended.wait(1)


def test_computation_ends_when_client_leaves() -> None:
    errors: list[type[BaseException]] = []

    def compute(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        deadline = time.monotonic() + 20
        try:
            while environ["PATH_INFO"] == "/endless" and time.monotonic() < deadline:
                pass
        except BaseException as error:
            errors.append(type(error))
            raise
        return echo(environ, start_response)

    async def leave() -> float:
        gateway = build_gateway(compute)
        client = AsgiClient(scope(path="/endless"))
        task = asyncio.create_task(client.send_to(gateway))
        await asyncio.sleep(0.2)
        start = time.monotonic()
        client.disconnect()
        await asyncio.wait_for(task, 1)
        while not errors and time.monotonic() < start + 10:
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - start
        clients = [await respond(gateway, scope()) for _ in range(20)]
        assert {client.status for client in clients} == {200}
        return seconds

    assert run_in_thread(leave()) < 5
    assert errors == [ClientDisconnected]


def test_slow_reader_occupies_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_buffer, "MAX_MEMORY_BYTES", 300_000)

    def respond_long(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (bytes([n]) * 100_000 for n in range(50))

    async def read_slowly() -> bytes:
        gateway = build_gateway(respond_long)
        slow = [AsgiClient(scope()) for _ in range(20)]
        for client in slow:
            client.is_slow.set()
        tasks = [asyncio.create_task(client.send_to(gateway)) for client in slow]
        await asyncio.wait_for(respond(gateway, scope()), 5)
        for client in slow:
            client.is_slow.clear()
        await asyncio.gather(*tasks)
        assert all(client.body == slow[0].body for client in slow)
        return slow[0].body

    assert run_in_thread(read_slowly()) == b"".join(bytes([n]) * 100_000 for n in range(50))


@pytest.mark.parametrize("size", [0, 5, response_buffer.CHUNK_BYTES, 1_000_000])
def test_file_is_sent_without_a_copy(tmp_path, monkeypatch, size) -> None:
    monkeypatch.setattr(response_buffer.ResponseBuffer, "_store_in_file", lambda *_: pytest.fail("copied"))
    path = tmp_path / "static.js"
    path.write_bytes(bytes(n % 251 for n in range(size)))
    opened: list[IO[bytes]] = []

    def send_file(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        opened.append(path.open("rb"))
        body: Iterable[bytes] = environ["wsgi.file_wrapper"](opened[-1], 4096)
        return body

    async def read_slowly() -> list[AsgiClient]:
        gateway = build_gateway(send_file)
        slow = [AsgiClient(scope()) for _ in range(20)]
        for client in slow:
            client.is_slow.set()
        tasks = [asyncio.create_task(client.send_to(gateway)) for client in slow]
        fast = await asyncio.wait_for(respond(gateway, scope()), 5)
        for client in slow:
            client.is_slow.clear()
        await asyncio.gather(*tasks)
        return [fast, *slow]

    assert {client.body for client in run_in_thread(read_slowly())} == {path.read_bytes()}
    assert all(file.closed for file in opened)
    assert not [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.resolve() == path]


def test_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("response_buffer", "response_sender"):
        monkeypatch.setattr(f"dashboard.server.gateway.{module}.TAKE_TIMEOUT", 0.05)
    monkeypatch.setattr(response_buffer, "MAX_MEMORY_BYTES", 300_000)
    monkeypatch.setattr(response_buffer, "MAX_FILE_BYTES", 300_000)
    ended = threading.Event()

    def stream(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 10_000
        finally:
            ended.set()

    async def read_nothing() -> AsgiClient:
        client = AsgiClient(scope())
        client.is_slow.set()
        task = asyncio.create_task(client.send_to(build_gateway(stream)))
        await asyncio.sleep(0.2)
        client.is_slow.clear()
        await task
        return client

    assert not run_in_thread(read_nothing()).is_answered
    assert ended.wait(1)


def test_long_response_is_streamed_and_closed() -> None:
    closed = []

    class LongResponse:
        def __iter__(self) -> Any:
            return iter([b"x" * 100_000] * 10)

        def close(self) -> None:
            closed.append(True)

    def stream(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return LongResponse()

    client = run_in_thread(respond(build_gateway(stream), scope()))
    assert (client.status, client.body) == (200, b"x" * 1_000_000)
    assert client.is_answered
    assert closed == [True]


def test_failing_response_is_not_completed(caplog, monkeypatch) -> None:
    monkeypatch.setattr(request_runner.logger, "disabled", False)  # import-linter, when tested before, disables all

    def fail(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"x" * 500_000
        raise ValueError("broken")

    assert not run_in_thread(respond(build_gateway(fail), scope())).is_answered
    assert "A request failed" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread waits for")
def test_deadlocked_threads_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "DEADLOCK_SECONDS", 0.2)
    released = threading.Event()

    def wait_forever(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/deadlock":
            released.wait()
        return echo(environ, start_response)

    async def deadlock(count: int) -> bool:
        gateway = build_gateway(wait_forever)
        requests = [scope(path="/deadlock", address=f"127.0.0.{n}") for n in range(count)]
        tasks = [asyncio.create_task(respond(gateway, request)) for request in requests]
        is_stuck = False
        for _ in range(10):
            await asyncio.sleep(0.05)
            is_stuck = is_stuck or gateway.is_stuck(time.monotonic())
        released.set()
        await asyncio.gather(*tasks)
        assert not gateway.is_stuck(time.monotonic())
        return is_stuck

    assert run_in_thread(deadlock(2))
    released.clear()
    assert not run_in_thread(deadlock(1))


def test_header_with_underscore_is_dropped() -> None:
    def echo_header(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["HTTP_X_A"].encode("latin-1")]

    headers = [(b"x-a", b"1"), (b"x_a", b"2"), (b"x-a", "é".encode("latin-1"))]
    client = run_in_thread(respond(build_gateway(echo_header), scope(headers=headers)))
    assert (client.status, client.body) == (200, "1,é".encode("latin-1"))


def test_application_gets_address_and_scheme_of_the_client() -> None:
    def echo_client(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        forwarded = [name for name in environ if "FORWARDED" in name]
        return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']} {forwarded}".encode()]

    gateway = build_gateway(echo_client, ClientResolver(parse_trusted_proxies(["127.0.0.0/8"])))
    headers = [(b"x-forwarded-for", b"203.0.113.5"), (b"x-forwarded-proto", b"https")]
    assert run_in_thread(respond(gateway, scope(headers=headers))).body == b"203.0.113.5 https []"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app/p/default/", "/app /p/default/"),
        ("/p/default/", "/app /p/default/"),  # the proxy has stripped the path
        ("/app", "/app /"),
        ("/apples/", "/app /apples/"),
        ("/app/app/", "/app /app/"),
    ],
)
def test_site_below_a_path_of_its_host(path: str, expected: str) -> None:
    def echo_path(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    gateway = build_gateway(echo_path, script_name="/app")
    assert run_in_thread(respond(gateway, scope(path=path))).body == expected.encode()
    assert run_in_thread(respond(gateway, scope(path="/app/healthz"))).status == 200


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503)])
def test_health_checks_need_no_host_and_no_request_thread(monkeypatch, path, status) -> None:
    monkeypatch.setattr("dashboard.server.gateway.health.READINESS_TIMEOUT", 0.05)
    monkeypatch.setattr("dashboard.server.gateway.health.close_old_connections", lambda: time.sleep(0.2))

    client = run_in_thread(respond(build_gateway(lambda *_: pytest.fail("asked Django")), scope(path=path)))
    assert client.status == status
    assert b"no-store" in client.headers[b"cache-control"]
