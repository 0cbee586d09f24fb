"""The record of a request: what logs and metrics say about it. It never contains a query string, body or secret."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

# The key of the record in the WSGI environment.
RECORD_KEY = "runglass.request"
REQUEST_ID_HEADER = "X-Request-ID"
UNKNOWN_ROUTE = "unknown"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}")


@dataclass(slots=True)
class RequestRecord:
    """A request.

    Attributes:
        id: identifies it in the log and in error messages.
        method: the method, such as `GET`.
        path: the path without the query string.
        address: the address of the client.
        started: the time of its arrival, on the monotonic clock.
        ended: the time at which its response was complete, whether or not the client has taken all; 0 before.
        route: the name of the URL that it matched.
        status: the status of the response; 0 if there is none.
        is_disconnected: whether the client left before.
        project: the slug of the project that it accessed.
        key_prefix: the beginning of the API key, which is no secret.
        user_id: the user who is signed in.
        question: the text of its query (`q`); shown only to members of the project, and never logged.
    """

    id: str
    method: str
    path: str
    address: str
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    route: str = UNKNOWN_ROUTE
    status: int = 0
    is_disconnected: bool = False
    project: str = ""
    key_prefix: str = ""
    user_id: int | None = None
    question: str = ""

    @property
    def seconds(self) -> float:
        """The time from its arrival until its response was complete, or until now."""
        return (self.ended or time.monotonic()) - self.started


_current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def choose_request_id(proposed: str) -> str:
    """Return the id that a trusted proxy has given to a request, or a new one if there is none or it is unusual."""
    return proposed if _SANE_ID.fullmatch(proposed) else secrets.token_hex(8)


def get_current_record() -> RequestRecord | None:
    """Return the record of the request that this thread works on."""
    return _current.get()


def get_current_request_id() -> str:
    """Return the id of the request that this thread works on; "" outside of requests."""
    record = _current.get()
    return "" if record is None else record.id


@contextmanager
def bind_record(record: RequestRecord) -> Iterator[None]:
    """Let the log lines of this block carry the record."""
    token = _current.set(record)
    try:
        yield
    finally:
        _current.reset(token)
