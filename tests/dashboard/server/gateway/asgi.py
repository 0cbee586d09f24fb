"""An ASGI server that exists only in memory, in front of a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dashboard.server.gateway import Gateway
from dashboard.server.gateway.body_reader import RequestBodies
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.connections import ConnectionSweeper
from dashboard.server.gateway.wsgi_bridge import WsgiApplication

MAX_BODY_BYTES = 100_000
MAX_FORM_BYTES = 50_000
VALID_KEY = f"rg_{'x' * 43}"
KEY_HEADER = (b"authorization", b"Bearer " + VALID_KEY.encode())


def run_in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in another thread: the event loop of a browser may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def build_gateway(
    application: WsgiApplication, clients: ClientResolver | None = None, script_name: str = ""
) -> Gateway:
    bodies = RequestBodies(MAX_BODY_BYTES, MAX_FORM_BYTES)
    return Gateway(
        application, clients or ClientResolver(()), ConnectionSweeper(0, 60), bodies, script_name=script_name
    )


def scope(
    method: str = "GET", path: str = "/", headers: Iterable[tuple[bytes, bytes]] = (), address: str = "127.0.0.9"
) -> dict[str, Any]:
    return {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"a=%20b",
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", "80"), "client": (address, 5),
        "headers": list(headers),
    }  # fmt: skip


def echo(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
    start_response("200 OK", [("X-Path", environ["PATH_INFO"]), ("X-Length", environ["CONTENT_LENGTH"])])
    return [environ["wsgi.input"].read()]


class AsgiClient:
    """A client that sends one request. Its body arrives in `chunks`, and then ends or hangs."""

    def __init__(self, request: dict[str, Any], *chunks: bytes, is_complete: bool = True) -> None:
        self.sent: list[dict[str, Any]] = []
        self.received_bytes = 0
        self.is_slow = asyncio.Event()  # while set, it takes nothing
        self._request = request
        self._incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        if is_complete:
            self._incoming.append({"type": "http.request", "body": b"", "more_body": False})
        self._disconnected = asyncio.Event()

    async def send_to(self, gateway: Gateway) -> AsgiClient:
        await gateway(self._request, self._receive, self._send)
        return self

    def disconnect(self) -> None:
        self._disconnected.set()

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_answered(self) -> bool:
        return bool(self.sent) and not self.sent[-1].get("more_body", True)

    async def _receive(self) -> dict[str, Any]:
        if self._incoming:
            message = self._incoming.pop(0)
            self.received_bytes += len(message["body"])  # type: ignore[arg-type]
            return message
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        while self.is_slow.is_set():
            await asyncio.sleep(0.01)
        self.sent.append(message)


async def respond(gateway: Gateway, request: dict[str, Any], *chunks: bytes, is_complete: bool = True) -> AsgiClient:
    """Return the client after the gateway has responded to its request."""
    return await AsgiClient(request, *chunks, is_complete=is_complete).send_to(gateway)
