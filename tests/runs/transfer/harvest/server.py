"""An Assistants-compatible HTTP server for tests, with list pages and with failures on demand."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PREFIX = "/api/projects/demo"


@dataclass
class Request:
    """A request, and the number of requests in flight when it arrived, this one included."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    in_flight: int


@dataclass
class Answer:
    """A response instead of the page. With `cut`, the connection is closed after so many bytes of the body."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


# Called with the request and the page. Returns what to send instead, or None to send the page.
Fault = Callable[[Request, dict[str, Any]], Answer | None]


class AgentServer(ThreadingHTTPServer):
    """A server of `lists`: JSON texts by path (`/threads`, `/threads/T/runs`, …), `page_size` per page."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lists: dict[str, list[bytes]] = {"/threads": []}
        self.objects: dict[str, bytes] = {}  # single ones, by path
        self.page_size = 100
        self.delay = 0.0
        self.requests: list[Request] = []
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)  # by path; each is used once
        self.default_fault: Fault = lambda _request, _page: None
        self._lock = threading.Lock()
        self._in_flight = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def add_thread(self, thread_id: str, *objects: dict[str, Any] | bytes) -> None:
        """Add a thread with its runs, steps and messages."""
        base = f"/threads/{thread_id}"
        if f"{base}/runs" not in self.lists:
            self.lists |= {f"{base}/runs": [], f"{base}/messages": []}
            self.lists["/threads"].append(json.dumps({"id": thread_id, "object": "thread"}).encode())
        for value in objects:
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            parsed = json.loads(raw)
            match parsed["object"]:
                case "thread.run":
                    self.lists[f"{base}/runs"].append(raw)
                    self.lists.setdefault(f"{base}/runs/{parsed['id']}/steps", [])
                case "thread.run.step":
                    self.lists.setdefault(f"{base}/runs/{parsed['run_id']}/steps", []).append(raw)
                case "thread.message":
                    self.lists[f"{base}/messages"].append(raw)

    @contextmanager
    def count_in_flight(self) -> Iterator[int]:
        with self._lock:
            self._in_flight += 1
            in_flight = self._in_flight
        try:
            yield in_flight
        finally:
            with self._lock:
                self._in_flight -= 1

    def next_fault(self, path: str) -> Fault:
        with self._lock:
            faults = self.faults[path]
            return faults.pop(0) if faults else self.default_fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AgentServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(PREFIX)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.count_in_flight() as in_flight:
            request = Request(path, query, headers, in_flight)
            self.server.requests.append(request)
            time.sleep(self.server.delay)
            self._send(self._answer(request))

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _answer(self, request: Request) -> Answer:
        if request.path in self.server.objects:
            return Answer(200, self.server.objects[request.path])
        if request.path not in self.server.lists:
            return Answer(404, b'{"error": {"message": "No such thing.", "code": null}}')
        page = self._page(request)
        answer = self.server.next_fault(request.path)(request, page)
        return answer or Answer(200, envelope(page))

    def _page(self, request: Request) -> dict[str, Any]:
        raws = self.server.lists[request.path]
        ids = [json.loads(raw)["id"] for raw in raws]
        after = request.query.get("after")
        begin = ids.index(after) + 1 if after in ids else 0
        end = begin + min(self.server.page_size, int(request.query["limit"]))
        page_ids = ids[begin:end]
        return {
            "data": raws[begin:end],
            "first_id": page_ids[0] if page_ids else None,
            "last_id": page_ids[-1] if page_ids else None,
            "has_more": end < len(ids),
        }

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        self.close_connection = answer.cut is not None


def envelope(page: dict[str, Any]) -> bytes:
    """Return a list envelope. The objects in `data` are JSON texts and are inserted as they are."""
    rest = json.dumps({name: value for name, value in page.items() if name != "data"})
    return b'{"object": "list", "data": [' + b", ".join(page["data"]) + b"], " + rest[1:].encode()


@contextmanager
def running() -> Iterator[AgentServer]:
    """Run a server until the block ends."""
    with AgentServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Fault:
    """Return a fault that answers with an error."""
    body = json.dumps({"error": {"message": f"Error {code}."}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _page: Answer(code, body, named)


def cut(_request: Request, page: dict[str, Any]) -> Answer:
    """Close the connection in the middle of the body."""
    whole = envelope(page)
    return Answer(200, whole, cut=len(whole) // 2)


def not_json(_request: Request, _page: dict[str, Any]) -> Answer:
    """Answer with something that is not JSON."""
    return Answer(200, b"<html>One moment, please</html>")


def endless(_request: Request, page: dict[str, Any]) -> Answer:
    """Announce more objects on every page."""
    return Answer(200, envelope(page | {"has_more": True}))
