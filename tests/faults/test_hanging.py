"""Tests that clients which start a request and hang occupy no thread and are disconnected."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dashboard.server.gateway.body_reader import CHUNK_TIMEOUT
from dashboard.server.gateway.connections import HEADER_TIMEOUT
from dashboard.server.heartbeats import HANG_SECONDS
from tests.dashboard.server.test_up import alive, wait_until
from tests.factories import run_object
from tests.faults.site import Site, bearer

CLIENTS = 20


def test_hanging_clients_are_disconnected(site: Site) -> None:
    site.page()
    idle = _IdleConnection(site)
    partial_post = _partial_post(site.key)
    with ThreadPoolExecutor(2 * CLIENTS) as pool:
        bodies = [pool.submit(_hang, site, partial_post) for _ in range(CLIENTS)]
        headers = [pool.submit(_hang, site, b"GET / HTTP/1.1\r\nHost: loc") for _ in range(CLIENTS)]
        time.sleep(0.5)
        slowest: dict[str, float] = {}
        for _ in range(10):
            for name, send in _requests(site).items():
                slowest[name] = max(slowest.get(name, 0.0), _seconds(send))
        assert not any(future.done() for future in bodies)
        print("slowest response beside hanging clients", slowest)
        assert max(slowest.values()) < 2

        for future in bodies:
            response, seconds = future.result()
            head, _, body = response.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert json.loads(body)["error"]["code"] == "body_too_slow"
            assert seconds < CHUNK_TIMEOUT + 5
        for future in headers:
            assert future.result()[1] < HEADER_TIMEOUT + 5
    assert idle.is_open(), "an idle connection was closed as if it had sent slow headers"

    with ThreadPoolExecutor(16) as pool:
        assert {page.status for page in pool.map(lambda _: site.page(), range(32))} == {200}


def test_incomplete_body_stores_nothing(site: Site) -> None:
    run = run_object(id="run_left")
    body = json.dumps(run).encode() + b"\n" + b'{"id": '
    with socket.create_connection(("127.0.0.1", site.up.port)) as client:
        client.sendall(_head(site.key, "application/x-ndjson", len(body) + 100) + body)
    time.sleep(0.5)

    assert site.get("/api/v1/runs/run_left").status == 404


def test_chunked_body_is_bounded(site: Site) -> None:
    def send_endless_body() -> None:
        with socket.create_connection(("127.0.0.1", site.up.port), timeout=30) as client:
            head = _head(site.key, "application/json", None) + b"40000000\r\n"
            client.sendall(head)
            try:
                while True:
                    client.sendall(b" " * 1_000_000)
            except OSError:
                return

    endless = threading.Thread(target=send_endless_body)
    endless.start()
    endless.join(30)
    assert not endless.is_alive()
    assert site.get("/api/v1/runs").status == 200


def test_stopped_processes_are_replaced(site: Site) -> None:
    """SIGSTOP stands for every way in which a process may hang."""
    site.page()  # signs in
    workers, _ = site.children()
    stopped = [workers[0], *site.maintenance_pids()]
    assert len(stopped) == 2
    start = time.monotonic()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)

    wait_until(lambda: not any(alive(pid) for pid in stopped), HANG_SECONDS + 5)
    wait_until(lambda: len(site.children()[0]) == 2 and len(site.maintenance_pids()) == 1)
    print(f"stopped processes were replaced after {time.monotonic() - start:.1f} s")
    with ThreadPoolExecutor(16) as pool:
        assert {page.status for page in pool.map(lambda _: site.page(), range(16))} == {200}


class _IdleConnection:
    """A connection that has had a request, as proxies keep them."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", site.up.port, timeout=10)
        assert self._get() == 200

    def is_open(self) -> bool:
        """Return whether another request succeeds, and close the connection."""
        try:
            return self._get() == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            self._connection.close()

    def _get(self) -> int:
        self._connection.auto_open = not self._connection.sock  # type: ignore[assignment]
        self._connection.request("GET", "/healthz")
        response = self._connection.getresponse()
        response.read()
        return response.status


def _requests(site: Site) -> dict[str, Callable[[], int]]:
    return {
        "page": lambda: site.page().status,
        "list": lambda: site.get("/api/v1/runs").status,
        "post": lambda: site.post([run_object()]).status,
    }


def _seconds(send: Callable[[], int]) -> float:
    start = time.monotonic()
    assert send() == 200
    return time.monotonic() - start


def _hang(site: Site, request_start: bytes) -> tuple[bytes, float]:
    """Return the response until the server closes the connection, and the seconds until then."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", site.up.port), timeout=60) as client:
        client.sendall(request_start)
        response = b""
        while received := client.recv(65536):
            response += received
    return response, time.monotonic() - start


def _partial_post(key: str) -> bytes:
    return _head(key, "application/json", 100_000) + b'{"id": "run_half", '


def _head(key: str, content_type: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer(key)['Authorization']}\r\n"
        f"Content-Type: {content_type}\r\n{size}\r\n\r\n"
    ).encode()
