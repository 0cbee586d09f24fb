"""A receiver of OTLP on loopback that can fail in the ways in which real ones do."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class OtlpReceiver:
    """Keeps the spans that it has taken. `answers` are given to the first requests: a status, headers and a body.

    The status 0 ends the connection in the middle of the request, 1 after the spans were taken.
    """

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, content: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(gzip.decompress(content))
        self.requests.append(request)
        self.spans += [
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]

    @property
    def span_ids(self) -> list[str]:
        return [span.span_id.hex() for span in self.spans]


@contextmanager
def run_receiver(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            with receiver.lock:
                status, headers, body = receiver.answers.pop(0) if receiver.answers else (200, {}, b"")
                content = self.rfile.read(length if status else length // 2)
                receiver.headers.append(dict(self.headers))
                if status in (1, 200):
                    receiver.take(content)
                if status < 100:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
