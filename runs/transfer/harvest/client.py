"""Send GET requests to an Assistants-compatible server, within a rate limit and with retries."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Never, Self
from weakref import WeakSet

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential,
    wait_random_exponential,
)

from runs.errors import RunglassError, UnreadableBody
from runs.protocol.lossless_json import clean_text, decode_json, split_object
from runs.transfer.harvest.rate_limit import RateLimiter
from runs.transfer.retry_after import parse_retry_after

MAX_ATTEMPTS = 8
# Attempts to connect before the server ever answered: a base URL is more often mistyped than a server is busy.
_MAX_FIRST_CONNECTS = 3
# Half of the delay is random, so that clients do not retry all at once. Seconds, doubled with every attempt up to 60.
_RETRY_DELAY = wait_exponential(multiplier=0.5, max=30) + wait_random_exponential(multiplier=0.5, max=30)
_MAX_RETRY_AFTER = 900.0  # seconds
_TIMEOUT = httpx.Timeout(60, connect=10)
_MAX_RESPONSE_SECONDS = 300.0  # however steadily the response arrives
_MAX_RESPONSE_BYTES = 512 * 1024 * 1024
_MAX_MESSAGE_LENGTH = 200
_RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
# This many failed requests in a row mean that the server is down, or that the requests are wrong.
_MAX_FAILED_REQUESTS = 8


class HarvestError(RunglassError):
    """The server did not return what was requested."""

    code = "harvest_error"


class ResourceNotFound(HarvestError):
    """The server does not have this resource (404), or does not list it (405)."""

    code = "resource_not_found"


class RequestFailed(HarvestError):
    """One request failed for good; others may succeed."""

    code = "request_failed"


class ServerUnavailable(HarvestError):
    """No request will be answered any more."""

    code = "server_unavailable"


class ServerKeyRejected(ServerUnavailable):
    """The API key is wrong or lacks permissions."""

    code = "server_key_rejected"


@dataclass(frozen=True, slots=True)
class HarvestServer:
    """The address of a server, and the headers of every request to it.

    `ignore_has_more`: the server announces more objects even at the end of a list.
    """

    base_url: str
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ignore_has_more: bool = False


class HarvestClient:
    """An HTTP client of one server, which several threads may share.

    Args:
        server: The server to send requests to.
        rate_limiter: The limit for all requests.
        max_attempts: The number of times that a request is sent before it fails.
        timeout: The timeouts of one attempt.
    """

    def __init__(
        self,
        server: HarvestServer,
        rate_limiter: RateLimiter,
        *,
        max_attempts: int = MAX_ATTEMPTS,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self.server = server
        self._base_url = server.base_url.rstrip("/")
        self._http = httpx.Client(
            headers={"OpenAI-Beta": "assistants=v2", "Accept": "application/json", **server.headers},
            params={"api-version": server.api_version} if server.api_version else None,
            timeout=timeout,
        )
        self._rate_limiter = rate_limiter
        self._max_attempts = max_attempts
        self._retrying = Retrying(
            retry=retry_if_exception_type(_RetryableError),
            stop=self._should_give_up,
            wait=_RETRY_DELAY,
            sleep=rate_limiter.sleep,
            before_sleep=self._apply_retry_after,
            retry_error_callback=self._give_up,
        )
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._failures_in_a_row = 0
        self.requests = 0

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all idle connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str]) -> dict[str, bytes]:
        """Return the members of the JSON object at `path`, each as JSON text exactly as the server sent it.

        Status 429 and 5xx, broken connections and broken responses are retried.

        Raises:
            ResourceNotFound: the server answered 404 or 405.
            RequestFailed: all attempts failed, or another attempt would fail as well.
            ServerKeyRejected: the server answered 401 or 403.
            ServerUnavailable: the server does not answer, or wants no more requests.
            HarvestStopped: the harvest was stopped.
        """
        try:
            members = self._retrying(self._send, path, params)
        except RequestFailed as error:
            with self._lock:
                self._failures_in_a_row += 1
                if self._failures_in_a_row < _MAX_FAILED_REQUESTS:
                    raise
            message = f"{_MAX_FAILED_REQUESTS} requests in a row failed, the last one: {error}"
            raise ServerUnavailable(message) from error
        self._failures_in_a_row = 0
        return members

    def abort(self) -> None:
        """Shut down every open connection, so that threads which wait for a response fail at once."""
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _send(self, path: str, params: Mapping[str, str]) -> dict[str, bytes]:
        """Make one attempt to get `path`."""
        url, extensions = self._base_url + path, {"trace": self._track_socket}
        with self._rate_limiter.request_slot():
            try:
                with self._http.stream("GET", url, params=dict(params), extensions=extensions) as response:
                    with self._lock:
                        self.requests += 1
                    body = _read_body(response)
            except httpx.TransportError as error:
                raise _RetryableError(f"{type(error).__name__}: {error}".rstrip(": ")) from error
            except httpx.DecodingError as error:
                raise _RetryableError(f"cannot decode the response: {error}") from error
        if response.status_code != httpx.codes.OK:
            raise _error_for_status(path, response, body)
        try:
            return split_object(body)
        except UnreadableBody as error:
            raise _RetryableError(f"cannot parse the response: {error}") from error

    def _track_socket(self, event: str, info: dict[str, Any]) -> None:
        """Remember the socket of a new connection for `abort`. Called by httpcore for each of its events."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._sockets.add(info["return_value"].get_extra_info("socket"))

    def _should_give_up(self, attempts: RetryCallState) -> bool:
        return attempts.attempt_number >= self._max_attempts or self._is_unreachable(attempts)

    def _is_unreachable(self, attempts: RetryCallState) -> bool:
        """Return whether the server never answered and does not accept connections."""
        error = _last_error(attempts)
        return (
            attempts.attempt_number >= _MAX_FIRST_CONNECTS
            and not self.requests
            and isinstance(error.__cause__, httpx.ConnectError)
        )

    def _apply_retry_after(self, attempts: RetryCallState) -> None:
        """Let no thread send a request earlier than the server asked for."""
        error = _last_error(attempts)
        if error.retry_after is None:
            return
        if error.retry_after > _MAX_RETRY_AFTER:
            raise ServerUnavailable(f"The server asks to retry in {error.retry_after:,.0f} s ({error})")
        self._rate_limiter.pause(error.retry_after)

    def _give_up(self, attempts: RetryCallState) -> Never:
        error = _last_error(attempts)
        if self._is_unreachable(attempts):
            raise ServerUnavailable(f"No server answers at {self._base_url}: {error}") from error
        path = attempts.args[0]
        raise RequestFailed(f"{path}: {error} ({attempts.attempt_number} attempts)") from error


class _RetryableError(Exception):
    """One attempt failed; another may succeed, after `retry_after` seconds if the server said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def _last_error(attempts: RetryCallState) -> _RetryableError:
    """Return the error of the last attempt. Only called where that is what `Retrying` retries."""
    outcome = attempts.outcome
    error = outcome.exception() if outcome else None
    if not isinstance(error, _RetryableError):
        raise TypeError(f"Expected a _RetryableError, got {error!r}")
    return error


def _read_body(response: httpx.Response) -> bytes:
    started = time.monotonic()
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() - started > _MAX_RESPONSE_SECONDS:
            raise _RetryableError(f"the response took more than {_MAX_RESPONSE_SECONDS:,.0f} s")
        if len(body) > _MAX_RESPONSE_BYTES:
            raise RequestFailed(f"{response.url.path}: the response is larger than {_MAX_RESPONSE_BYTES:,} bytes")
    return bytes(body)


def _error_for_status(path: str, response: httpx.Response, body: bytes) -> Exception:
    status = response.status_code
    summary = f"{status} {response.reason_phrase}"
    details = ": ".join(filter(None, (path, summary, _read_error_message(body))))
    if status in (401, 403):
        return ServerKeyRejected(f"The server rejected the API key: {details}")
    if status in (404, 405):
        return ResourceNotFound(details)
    if status in _RETRYABLE_STATUSES or status >= 500:
        return _RetryableError(summary, parse_retry_after(response))
    if 300 <= status < 400:
        location = response.headers.get("location", "(no location)")
        return ServerUnavailable(f"Unexpected redirect to {location}: {details}")
    return RequestFailed(details)


def _read_error_message(body: bytes) -> str:
    """Return the message in an error response, shortened to one line."""
    try:
        error = split_object(split_object(body).get("error", b"{}"))
        message = decode_json(error.get("message", b'""'))
    except UnreadableBody:
        message = body.decode(errors="replace")
    line = " ".join(clean_text(str(message)).split())
    return line[:_MAX_MESSAGE_LENGTH] + ("…" if len(line) > _MAX_MESSAGE_LENGTH else "")
