"""The gateway by itself: bodies, lanes, and the way from ASGI to WSGI and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.server.gateway import Gateway, body_reader, concurrency_limits

LARGEST = 1000


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in a thread of its own: in this one a browser's event loop may be running."""
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


async def asked(gateway: Gateway, request: dict[str, Any], *pieces: bytes, ends: bool = True) -> list[dict[str, Any]]:
    """What the gateway sends for a request whose body comes in `pieces`, and then ends or not."""
    coming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop(0)
        if not ends:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await gateway(request, receive, send)
    return sent


def answer(sent: list[dict[str, Any]]) -> tuple[int, bytes]:
    return sent[0]["status"], b"".join(each["body"] for each in sent[1:])


def test_a_body_arrives_whole() -> None:
    request = scope("POST", "/a%2Fb/%C3%A9", [(b"transfer-encoding", b"chunked")])
    sent = apart(asked(Gateway(echo, 1, LARGEST), request, b"one ", b"two"))

    assert answer(sent) == (200, b"one two")
    assert sent[0]["headers"] == [(b"x-path", "/a/b/é".encode()), (b"x-length", b"7")]


def test_a_body_that_stops_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "CHUNK_TIMEOUT", 0.05)
    request = scope("POST", "/", [(b"content-length", b"100")])
    status, body = answer(apart(asked(Gateway(echo, 1, LARGEST), request, b"half", ends=False)))

    assert status == 408
    assert json.loads(body)["error"]["code"] == "body_too_slow"


def test_a_body_declared_too_large_stays_unread() -> None:
    request = scope("POST", "/", [(b"content-length", b"1001")])

    assert answer(apart(asked(Gateway(echo, 1, LARGEST), request, b"x" * 1001, ends=False))) == (200, b"")


def test_of_an_endless_body_one_byte_too_many_is_read() -> None:
    request = scope("POST", "/", [(b"transfer-encoding", b"chunked")])
    sent = apart(asked(Gateway(echo, 1, LARGEST), request, b"x" * 900, b"x" * 900, ends=False))

    assert answer(sent) == (200, b"x" * 1001)


def test_too_many_bodies_at_once_are_503() -> None:
    async def several() -> list[tuple[int, bytes]]:
        gateway = Gateway(echo, 1, LARGEST)
        request = scope("POST", "/", [(b"content-length", b"1000")])
        hanging = [
            asyncio.create_task(asked(gateway, request, b"x" * 999, ends=False))
            for _ in range(body_reader.MAX_BUFFERED_BODIES)
        ]
        await asyncio.sleep(0.05)
        refused = answer(await asked(gateway, request, b"x" * 1000))
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return [refused, answer(await asked(gateway, request, b"x" * 1000))]

    refused, after = apart(several())
    assert (refused[0], json.loads(refused[1])["error"]["code"]) == (503, "busy")
    assert after == (200, b"x" * 1000)


def test_posts_wait_in_line_and_are_503_when_it_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency_limits, "QUEUE_TIMEOUT", 0.05)

    async def second() -> int:
        threads = concurrency_limits.ConcurrencyLimits(8)
        gateway = Gateway(echo, 8, 10 * concurrency_limits.LARGE_BODY_BYTES)
        gateway._lanes = threads
        request = scope("POST", "/api/v1/runs", [(b"transfer-encoding", b"chunked")])
        async with threads.place("POST", "/api/v1/runs", concurrency_limits.LARGE_BODY_BYTES + 1):
            small = answer(await asked(gateway, request, b"small"))[0]
            assert small == 200
            return answer(await asked(gateway, request, b"x" * (concurrency_limits.LARGE_BODY_BYTES + 1)))[0]

    assert apart(second()) == 503


def test_a_header_with_an_underscore_passes_for_no_other() -> None:
    def told(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["HTTP_X_A"].encode("latin-1")]

    headers = [(b"x-a", b"1"), (b"x_a", b"2"), (b"x-a", "é".encode("latin-1"))]
    assert answer(apart(asked(Gateway(told, 1, LARGEST), scope(headers=headers)))) == (
        200,
        "1,é".encode("latin-1"),
    )


def test_a_long_answer_comes_in_pieces_and_is_closed() -> None:
    closed = []

    class Long:
        def __iter__(self) -> Any:
            return iter([b"x" * 100_000] * 10)

        def close(self) -> None:
            closed.append(True)

    def long(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Long()

    sent = apart(asked(Gateway(long, 1, LARGEST), scope()))
    assert answer(sent) == (200, b"x" * 1_000_000)
    assert [each["more_body"] for each in sent[1:]] == [True, True, True, False]
    assert closed == [True]
