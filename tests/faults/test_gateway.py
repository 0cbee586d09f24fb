"""Tests of the gateway alone: bodies, concurrency limits, and the bridge from ASGI to WSGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.server.gateway import Gateway, body_reader, concurrency_limits

MAX_BODY_BYTES = 1000


def run_in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in another thread: the event loop of a browser may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def scope(method: str = "GET", path: str = "/", headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    return {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"a=%20b",
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", "80"), "client": ("127.0.0.9", "5"),
        "headers": list(headers),
    }  # fmt: skip


def echo(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
    start_response("200 OK", [("X-Path", environ["PATH_INFO"]), ("X-Length", environ["CONTENT_LENGTH"])])
    return [environ["wsgi.input"].read()]


async def send_request(
    gateway: Gateway, request: dict[str, Any], *chunks: bytes, is_complete: bool = True
) -> list[dict[str, Any]]:
    """Return what the gateway sends for a request whose body arrives in `chunks`, and then ends or hangs."""
    incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        if not is_complete:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await gateway(request, receive, send)
    return sent


def read_response(sent: list[dict[str, Any]]) -> tuple[int, bytes]:
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


def test_body_arrives_complete() -> None:
    request = scope("POST", "/a%2Fb/%C3%A9", [(b"transfer-encoding", b"chunked")])
    sent = run_in_thread(send_request(Gateway(echo, 1, MAX_BODY_BYTES), request, b"one ", b"two"))

    assert read_response(sent) == (200, b"one two")
    assert sent[0]["headers"] == [(b"x-path", "/a/b/é".encode()), (b"x-length", b"7")]


def test_hanging_body_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "CHUNK_TIMEOUT", 0.05)
    request = scope("POST", "/", [(b"content-length", b"100")])
    status, body = read_response(
        run_in_thread(send_request(Gateway(echo, 1, MAX_BODY_BYTES), request, b"half", is_complete=False))
    )

    assert status == 408
    assert json.loads(body)["error"]["code"] == "body_too_slow"


def test_body_declared_too_large_is_not_read() -> None:
    request = scope("POST", "/", [(b"content-length", b"1001")])

    assert read_response(
        run_in_thread(send_request(Gateway(echo, 1, MAX_BODY_BYTES), request, b"x" * 1001, is_complete=False))
    ) == (200, b"")


def test_endless_body_is_cut_off() -> None:
    request = scope("POST", "/", [(b"transfer-encoding", b"chunked")])
    sent = run_in_thread(
        send_request(Gateway(echo, 1, MAX_BODY_BYTES), request, b"x" * 900, b"x" * 900, is_complete=False)
    )

    assert read_response(sent) == (200, b"x" * 1001)


def test_too_many_bodies_at_once_are_503() -> None:
    async def exceed_memory() -> list[tuple[int, bytes]]:
        gateway = Gateway(echo, 1, MAX_BODY_BYTES)
        request = scope("POST", "/", [(b"content-length", b"1000")])
        hanging = [
            asyncio.create_task(send_request(gateway, request, b"x" * 999, is_complete=False))
            for _ in range(body_reader.MAX_BUFFERED_BODIES)
        ]
        await asyncio.sleep(0.05)
        refused = read_response(await send_request(gateway, request, b"x" * 1000))
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return [refused, read_response(await send_request(gateway, request, b"x" * 1000))]

    refused, after = run_in_thread(exceed_memory())
    assert (refused[0], json.loads(refused[1])["error"]["code"]) == (503, "busy")
    assert after == (200, b"x" * 1000)


def test_posts_in_a_slow_queue_are_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency_limits, "QUEUE_TIMEOUT", 0.05)

    async def post_twice() -> int:
        limits = concurrency_limits.ConcurrencyLimits(8)
        gateway = Gateway(echo, 8, 10 * concurrency_limits.LARGE_BODY_BYTES)
        gateway._limits = limits
        request = scope("POST", "/api/v1/runs", [(b"transfer-encoding", b"chunked")])
        async with limits.acquire("POST", "/api/v1/runs", concurrency_limits.LARGE_BODY_BYTES + 1):
            small = read_response(await send_request(gateway, request, b"small"))[0]
            assert small == 200
            return read_response(
                await send_request(gateway, request, b"x" * (concurrency_limits.LARGE_BODY_BYTES + 1))
            )[0]

    assert run_in_thread(post_twice()) == 503


def test_header_with_underscore_is_dropped() -> None:
    def echo_header(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["HTTP_X_A"].encode("latin-1")]

    headers = [(b"x-a", b"1"), (b"x_a", b"2"), (b"x-a", "é".encode("latin-1"))]
    assert read_response(
        run_in_thread(send_request(Gateway(echo_header, 1, MAX_BODY_BYTES), scope(headers=headers)))
    ) == (
        200,
        "1,é".encode("latin-1"),
    )


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

    sent = run_in_thread(send_request(Gateway(stream, 1, MAX_BODY_BYTES), scope()))
    assert read_response(sent) == (200, b"x" * 1_000_000)
    assert [message["more_body"] for message in sent[1:]] == [True, True, True, False]
    assert closed == [True]
