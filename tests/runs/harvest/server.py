"""An Assistants-compatible server for tests: real HTTP on loopback, protocol pages, and faults on demand."""

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
    """What was asked, and how many others were being answered at that moment, this one included."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at_once: int


@dataclass
class Answer:
    """A status and body in place of the page; `cut`: close the connection after so many bytes of it."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


# Called with the request and the page that would be sent; None sends the page.
Fault = Callable[[Request, dict[str, Any]], Answer | None]


class AgentServer(ThreadingHTTPServer):
    """Serves `lists`: JSON texts by path (`/threads`, `/threads/T/runs`, …), `page` of them at once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lists: dict[str, list[bytes]] = {"/threads": []}
        self.page = 100
        self.delay = 0.0
        self.requests: list[Request] = []
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)  # by path, each used once
        self.standing: Fault = lambda _request, _page: None  # used where there is no other
        self._lock = threading.Lock()
        self._answering = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def hold(self, thread_id: str, *objects: dict[str, Any] | bytes) -> None:
        """Add a thread with runs, steps and messages, each put where it belongs."""
        base = f"/threads/{thread_id}"
        if f"{base}/runs" not in self.lists:
            self.lists |= {f"{base}/runs": [], f"{base}/messages": []}
            self.lists["/threads"].append(json.dumps({"id": thread_id, "object": "thread"}).encode())
        for each in objects:
            raw = each if isinstance(each, bytes) else json.dumps(each).encode()
            found = json.loads(raw)
            match found["object"]:
                case "thread.run":
                    self.lists[f"{base}/runs"].append(raw)
                    self.lists.setdefault(f"{base}/runs/{found['id']}/steps", [])
                case "thread.run.step":
                    self.lists.setdefault(f"{base}/runs/{found['run_id']}/steps", []).append(raw)
                case "thread.message":
                    self.lists[f"{base}/messages"].append(raw)

    @contextmanager
    def answering(self) -> Iterator[int]:
        with self._lock:
            self._answering += 1
            at_once = self._answering
        try:
            yield at_once
        finally:
            with self._lock:
                self._answering -= 1

    def fault_for(self, path: str) -> Fault:
        with self._lock:
            waiting = self.faults[path]
            return waiting.pop(0) if waiting else self.standing


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AgentServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(PREFIX)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.answering() as at_once:
            request = Request(path, query, headers, at_once)
            self.server.requests.append(request)
            time.sleep(self.server.delay)
            self._send(self._answer(request))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, request: Request) -> Answer:
        if request.path not in self.server.lists:
            return Answer(404, b'{"error": {"message": "No such thing.", "code": null}}')
        page = self._page(request)
        answer = self.server.fault_for(request.path)(request, page)
        return answer or Answer(200, envelope(page))

    def _page(self, request: Request) -> dict[str, Any]:
        raws = self.server.lists[request.path]
        ids = [json.loads(raw)["id"] for raw in raws]
        after = request.query.get("after")
        begin = ids.index(after) + 1 if after in ids else 0
        end = begin + min(self.server.page, int(request.query["limit"]))
        chosen = ids[begin:end]
        return {
            "data": raws[begin:end],
            "first_id": chosen[0] if chosen else None,
            "last_id": chosen[-1] if chosen else None,
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
    """A list envelope; the objects in `data` are JSON texts and go in as they are."""
    rest = json.dumps({name: value for name, value in page.items() if name != "data"})
    return b'{"object": "list", "data": [' + b", ".join(page["data"]) + b"], " + rest[1:].encode()


@contextmanager
def running() -> Iterator[AgentServer]:
    """A server that answers until the context ends."""
    with AgentServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Fault:
    """Answer with an error."""
    body = json.dumps({"error": {"message": f"Told so: {code}."}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _page: Answer(code, body, named)


def cut(_request: Request, page: dict[str, Any]) -> Answer:
    """Close the connection in the middle of the body."""
    whole = envelope(page)
    return Answer(200, whole, cut=len(whole) // 2)


def nonsense(_request: Request, _page: dict[str, Any]) -> Answer:
    """Answer with what is no JSON."""
    return Answer(200, b"<html>One moment, please</html>")


def endless(_request: Request, page: dict[str, Any]) -> Answer:
    """Say that there is more, for ever."""
    return Answer(200, envelope(page | {"has_more": True}))
