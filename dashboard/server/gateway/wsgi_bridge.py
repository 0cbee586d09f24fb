"""Run a WSGI application for a request whose body has been read completely."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO, FileIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from dashboard.monitoring.request_record import RECORD_KEY, RequestRecord
from dashboard.server.gateway.response_buffer import CHUNK_BYTES, ResponseStart

WsgiEnviron = dict[str, Any]
WsgiApplication = Callable[[WsgiEnviron, Callable[..., None]], Iterable[bytes]]


def decode_path(scope: dict[str, Any], script_name: str = "") -> str:
    """Return the path of a request in the form of WSGI's `PATH_INFO`: its bytes, as Latin-1, without `script_name`.

    Proxies may strip `script_name` themselves: no path of the site begins with it.
    """
    path = unquote_to_bytes(scope["raw_path"]).decode("latin-1")
    below = path.removeprefix(script_name)
    return below or "/" if below[:1] in ("", "/") else path


class FileBody(FileWrapper):
    """The body of a response that is a file, such as a static one (PEP 3333, `wsgi.file_wrapper`).

    Its chunks are of reasonable size: Django reads 4 KB at a time, which takes longer than the reading itself.
    """

    def __init__(self, file: IO[bytes], _block_size: int) -> None:
        """Create a body of an open file."""
        super().__init__(file, CHUNK_BYTES)

    def open_large_file(self) -> FileIO | None:
        """Return the file with a descriptor of its own; None if a chunk holds it, or if it is only a part of a file."""
        try:
            descriptor = self.filelike.fileno()
        except OSError:  # io.UnsupportedOperation
            return None
        if os.fstat(descriptor).st_size <= CHUNK_BYTES:
            return None
        return FileIO(os.dup(descriptor))


def build_wsgi_environ(scope: dict[str, Any], record: RequestRecord, body: bytes, script_name: str = "") -> WsgiEnviron:
    """Return the WSGI environment of a request.

    `CONTENT_LENGTH` is set, whether or not it was declared, and `HTTP_X_REQUEST_ID` is the id of the record.
    """
    environ: WsgiEnviron = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script_name,
        "PATH_INFO": record.path,
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
        "wsgi.file_wrapper": FileBody,
    }
    environ.update(_build_header_variables(scope["headers"]))
    environ.update({RECORD_KEY: record, "HTTP_X_REQUEST_ID": record.id})
    return environ


def run_wsgi_application(
    application: WsgiApplication,
    environ: WsgiEnviron,
    start: Callable[[ResponseStart], None],
    write: Callable[[bytes], None],
    write_file: Callable[[FileIO], None],
) -> None:
    """Run the application and pass on the start of its response, and then its body.

    The body is passed on in chunks of reasonable size, or as one large file, which `write_file` has to close. If a
    callback raises an exception, the application's response is closed, and the exception goes on. The body of the
    request can't be read afterwards.
    """

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        start(ResponseStart(int(status[:3]), encoded))

    response = application(environ, start_response)
    try:
        if isinstance(response, FileBody) and (file := response.open_large_file()) is not None:
            write_file(file)
            return
        for chunk in _join_chunks(response):
            write(chunk)
    finally:
        if close := getattr(response, "close", None):
            close()
        # Frees the body now: the request is in reference cycles, and a worker collects these only now and then.
        environ["wsgi.input"].close()


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
        if not buffer and len(chunk) >= CHUNK_BYTES:
            yield chunk
            continue
        buffer += chunk
        if len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)
