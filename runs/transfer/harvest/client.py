"""Asks an Assistants-compatible server for JSON, politely: paced, patient with faults, and not for ever."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import httpx

from runs.errors import RunglassError, UnreadableBody
from runs.protocol import lossless_json
from runs.transfer.harvest.rate_limit import RateLimiter

MAX_ATTEMPTS = 8
_FIRST_TRIES = 3  # to connect, before anything was answered: an address is more often mistyped than busy
_FIRST_DELAY = 1.0  # seconds; doubled with every try
_LONGEST_DELAY = 60.0
_LONGEST_HOLD = 900.0  # that a server may ask for
_TIMEOUT = httpx.Timeout(60, connect=10)
_LONGEST_ANSWER = 300.0  # seconds, however steadily it drips
_LARGEST_ANSWER = 512 * 1024 * 1024
_SHOWN = 200
_RETRIED = frozenset({408, 409, 425, 429})
# So many requests in a row that were given up mean that the server is away, or is asked wrongly.
_MOST_GIVEN_UP = 8


class HarvestError(RunglassError):
    """A server did not give what it was asked for."""

    code = "harvest_fault"


class ResourceNotFound(HarvestError):
    """The server knows no such thing (404), or lists none (405)."""

    code = "not_there"


class RequestFailed(HarvestError):
    """One request failed and will go on to fail; others may not."""

    code = "given_up"


class ServerUnavailable(HarvestError):
    """No other request will be answered either."""

    code = "server_refuses"


class ServerKeyRejected(ServerUnavailable):
    """The key is wrong, or may not read this."""

    code = "key_refused"


@dataclass(frozen=True, slots=True)
class HarvestServer:
    """Where to ask, and what to say with every request."""

    base_url: str
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class HarvestClient:
    """Many threads may use one. `tries` is how often one request is made before it is given up."""

    def __init__(
        self, server: HarvestServer, pace: RateLimiter, *, tries: int = MAX_ATTEMPTS, timeout: httpx.Timeout = _TIMEOUT
    ) -> None:
        self._base_url = server.base_url.rstrip("/")
        self._http = httpx.Client(
            headers={"OpenAI-Beta": "assistants=v2", "Accept": "application/json", **server.headers},
            params={"api-version": server.api_version} if server.api_version else None,
            timeout=timeout,
        )
        self._pace = pace
        self._tries = tries
        self._lock = threading.Lock()
        self._given_up = 0  # in a row
        self.requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, bytes]:
        """The members of the JSON object at `path`, each as it was written.

        Asks again after 429, 5xx, a broken connection or a broken answer. Raises NotThere; GivenUp after so
        many tries or for what asking again won't change; KeyRefused; ServerRefuses where it is away; Stopped.
        """
        attempt = 1
        while True:
            try:
                with self._pace.turn():
                    members = self._ask(path, parameters)
            except _Again as fault:
                if attempt == self._tries:
                    raise self._counted(RequestFailed(f"{path}: {fault.reason}, {attempt} times")) from fault
                if attempt == _FIRST_TRIES and not self.requests and isinstance(fault.__cause__, httpx.ConnectError):
                    raise ServerUnavailable(f"No server answers at {self._base_url}: {fault.reason}") from fault
                self._rest(fault, attempt)
                attempt += 1
            except RequestFailed as fault:
                raise self._counted(fault) from fault.__cause__
            else:
                self._given_up = 0
                return members

    def _ask(self, path: str, parameters: Mapping[str, str]) -> dict[str, bytes]:
        try:
            with self._http.stream("GET", self._base_url + path, params=dict(parameters)) as response:
                with self._lock:
                    self.requests += 1
                body = _read(response)
        except httpx.TransportError as error:
            raise _Again(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        except httpx.DecodingError as error:
            raise _Again(f"a broken answer: {error}") from error
        if response.status_code != httpx.codes.OK:
            raise self._fault(path, response, body)
        try:
            return lossless_json.split_object(body)
        except UnreadableBody as error:
            raise _Again(f"the answer can't be read: {error}") from error

    def _fault(self, path: str, response: httpx.Response, body: bytes) -> Exception:
        status, told = response.status_code, _told(body)
        what = f"{path}: {status} {response.reason_phrase}{told and ': '}{told}"
        if status in (401, 403):
            return ServerKeyRejected(f"The server refuses the key: {what}")
        if status in (404, 405):
            return ResourceNotFound(what)
        if status in _RETRIED or status >= 500:
            return _Again(f"{status} {response.reason_phrase}", _retry_after(response))
        if 300 <= status < 400:
            where = response.headers.get("location", "elsewhere")
            return ServerUnavailable(f"The server sends us to {where}: {what}")
        return RequestFailed(what)

    def _rest(self, fault: _Again, attempt: int) -> None:
        """Wait before the next try, and let nobody ask earlier than the server said."""
        if fault.after is not None:
            if fault.after > _LONGEST_HOLD:
                raise ServerUnavailable(f"The server asks to come back in {fault.after:,.0f} s ({fault.reason})")
            self._pace.hold(fault.after)
        delay = min(_FIRST_DELAY * 2 ** (attempt - 1), _LONGEST_DELAY)
        self._pace.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - so that clients don't come back together

    def _counted(self, fault: RequestFailed) -> HarvestError:
        """`fault`, or that the server is away where it was the last straw."""
        with self._lock:
            self._given_up += 1
            if self._given_up < _MOST_GIVEN_UP:
                return fault
        return ServerUnavailable(f"{_MOST_GIVEN_UP} requests in a row failed, the last one: {fault}")


class _Again(Exception):
    """One try failed; another may not, `after` so many seconds where the server said so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


def _read(response: httpx.Response) -> bytes:
    begun = time.monotonic()
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if time.monotonic() - begun > _LONGEST_ANSWER:
            raise _Again(f"the answer took more than {_LONGEST_ANSWER:,.0f} s")
        if len(body) > _LARGEST_ANSWER:
            raise RequestFailed(f"{response.url.path}: the answer is larger than {_LARGEST_ANSWER:,} bytes")
    return bytes(body)


def _retry_after(response: httpx.Response) -> float | None:
    """`Retry-After` in seconds from now, whether it came as seconds or as a date."""
    told = response.headers.get("retry-after", "").strip()
    if told.replace(".", "", 1).isdecimal():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _told(body: bytes) -> str:
    """What the server says about an error, on one line."""
    try:
        error = lossless_json.split_object(lossless_json.split_object(body).get("error", b"{}"))
        message = lossless_json.decode_json(error.get("message", b'""'))
    except UnreadableBody:
        message = body.decode(errors="replace")
    words = " ".join(lossless_json.clean_text(str(message)).split())
    return words[:_SHOWN] + ("…" if len(words) > _SHOWN else "")
