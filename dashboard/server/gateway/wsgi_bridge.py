"""Run a WSGI application for a request whose body has been read completely."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from dashboard.server.gateway.body_reader import AsgiMessage

WsgiEnviron = dict[str, Any]
WsgiApplication = Callable[[WsgiEnviron, Callable[..., None]], Iterable[bytes]]
_MIN_CHUNK_BYTES = 256 * 1024


def build_wsgi_environ(scope: dict[str, Any], body: bytes) -> WsgiEnviron:
    """Return the WSGI environment of a request. `CONTENT_LENGTH` is set, whether or not it was declared."""
    environ: WsgiEnviron = {
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
    environ.update(_build_header_variables(scope["headers"]))
    return environ


def run_wsgi_application(
    application: WsgiApplication, environ: WsgiEnviron, deliver: Callable[..., None]
) -> list[AsgiMessage]:
    """Run the application and return the last messages of its response, which are all of them unless it is long.

    The earlier messages of a long response are passed to `deliver`, which blocks while the client is slow, and raises
    if the client has disconnected.
    """
    start: list[AsgiMessage] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        start[:] = [{"type": "http.response.start", "status": int(status[:3]), "headers": encoded}]

    response = application(environ, start_response)
    try:
        chunks = _join_chunks(response)
        last = next(chunks, b"")
        for chunk in chunks:
            deliver(*start, _build_body_message(last, more_body=True))
            start.clear()
            last = chunk
        return [*start, _build_body_message(last, more_body=False)]
    finally:
        if close := getattr(response, "close", None):
            close()


def _build_header_variables(headers: Iterable[tuple[bytes, bytes]]) -> WsgiEnviron:
    """Return headers by their WSGI names. Those with an underscore are dropped: they could impersonate others."""
    variables: WsgiEnviron = {}
    for name, value in headers:
        if b"_" in name:
            continue
        upper_name = name.decode("latin-1").upper().replace("-", "_")
        key = upper_name if upper_name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{upper_name}"
        text = value.decode("latin-1")
        variables[key] = f"{variables[key]},{text}" if key in variables else text
    return variables


def _join_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join small chunks to larger ones, since each costs an iteration of the event loop."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        if len(buffer) >= _MIN_CHUNK_BYTES:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _build_body_message(chunk: bytes, *, more_body: bool) -> AsgiMessage:
    return {"type": "http.response.body", "body": chunk, "more_body": more_body}
