"""Running a WSGI application in a thread, for a request that is here in full."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

WsgiEnviron = dict[str, Any]
AsgiMessage = dict[str, Any]
WsgiApplication = Callable[[WsgiEnviron, Callable[..., None]], Iterable[bytes]]
_MIN_CHUNK_BYTES = 256 * 1024


def build_wsgi_environ(scope: dict[str, Any], body: bytes) -> WsgiEnviron:
    """The request as WSGI wants it. A body without a declared length gets the one that it has."""
    found: WsgiEnviron = {
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
    found.update(_build_header_variables(scope["headers"]))
    return found


def run_wsgi_application(
    application: WsgiApplication, environ: WsgiEnviron, deliver: Callable[..., None]
) -> list[AsgiMessage]:
    """The last messages of the answer; all of them, unless it is long.

    A long one is handed to `deliver` piece by piece, which blocks while the client is slow, and raises where
    it is gone.
    """
    head: list[AsgiMessage] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        head[:] = [{"type": "http.response.start", "status": int(status[:3]), "headers": encoded}]

    answer = application(environ, start_response)
    try:
        pieces = _join_chunks(answer)
        last = next(pieces, b"")
        for piece in pieces:
            deliver(*head, _build_body_message(last, more=True))
            head.clear()
            last = piece
        return [*head, _build_body_message(last, more=False)]
    finally:
        if close := getattr(answer, "close", None):
            close()


def _build_header_variables(headers: Iterable[tuple[bytes, bytes]]) -> WsgiEnviron:
    """Headers by their WSGI names. Those with an underscore are dropped: they could pass for others."""
    found: WsgiEnviron = {}
    for name, value in headers:
        if b"_" in name:
            continue
        known = name.decode("latin-1").upper().replace("-", "_")
        key = known if known in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{known}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _join_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """`pieces` joined to larger ones; each costs a turn of the event loop."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _MIN_CHUNK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _build_body_message(piece: bytes, *, more: bool) -> AsgiMessage:
    return {"type": "http.response.body", "body": piece, "more_body": more}
