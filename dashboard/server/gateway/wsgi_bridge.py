"""Running a WSGI application in a thread, for a request that is here in full."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
Message = dict[str, Any]
WsgiApplication = Callable[[Environ, Callable[..., None]], Iterable[bytes]]
_PIECE = 256 * 1024


def environ(scope: dict[str, Any], body: bytes) -> Environ:
    """The request as WSGI wants it. A body without a declared length gets the one that it has."""
    found: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    found.update(_headers(scope["headers"]))
    return found


def run(application: WsgiApplication, environ: Environ, deliver: Callable[..., None]) -> list[Message]:
    """The last messages of the answer; all of them, unless it is long.

    A long one is handed to `deliver` piece by piece, which blocks while the client is slow, and raises where
    it is gone.
    """
    head: list[Message] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        head[:] = [{"type": "http.response.start", "status": int(status[:3]), "headers": encoded}]

    answer = application(environ, start_response)
    try:
        pieces = _gathered(answer)
        last = next(pieces, b"")
        for piece in pieces:
            deliver(*head, _body(last, more=True))
            head.clear()
            last = piece
        return [*head, _body(last, more=False)]
    finally:
        if close := getattr(answer, "close", None):
            close()


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> Environ:
    """Headers by their WSGI names. Those with an underscore are dropped: they could pass for others."""
    found: Environ = {}
    for name, value in headers:
        if b"_" in name:
            continue
        known = name.decode("latin-1").upper().replace("-", "_")
        key = known if known in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{known}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """`pieces` joined to larger ones; each costs a turn of the event loop."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _body(piece: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}
