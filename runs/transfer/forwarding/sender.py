"""Send export requests to one target until it takes or refuses them (OTLP/HTTP 1.11, "Failures")."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable, Sequence

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from runs import __version__
from runs.protocol.otlp.export_requests import PROTOBUF_TYPES
from runs.protocol.otlp.outgoing_requests import OutgoingSpan, encode_protobuf_request
from runs.transfer.forwarding.metrics import FORWARD_FAILURES, FORWARDED_SPANS
from runs.transfer.forwarding.targets import ForwardTarget
from runs.transfer.retry_after import parse_retry_after

logger = logging.getLogger(__name__)

RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
MAX_RETRY_DELAY = 300.0  # seconds, reached after eight attempts
MAX_RETRY_AFTER = 3600.0  # seconds; a target that asks for more is asked earlier
_FIRST_RETRY_DELAY = 1.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_MAX_RESPONSE_BYTES = 64 * 1024


class TargetUnavailable(Exception):
    """A target took nothing for now; another attempt may succeed, after `retry_after` seconds if it said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RequestSender:
    """Sends spans to one target. `sleep` waits for a number of seconds."""

    def __init__(
        self,
        target: ForwardTarget,
        *,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Send nothing yet."""
        self._target = target
        headers = {
            "User-Agent": f"runglass/{__version__}",
            **target.headers,
            "Content-Type": PROTOBUF_TYPES[0],
            "Content-Encoding": "gzip",
        }
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT, transport=transport)
        self._retrying = Retrying(
            retry=retry_if_exception_type(TargetUnavailable),
            wait=_choose_delay,
            sleep=sleep,
            before_sleep=self._log_retry,
        )

    def send(self, spans: Sequence[OutgoingSpan]) -> None:
        """Send spans in one request, and return when the target has taken or refused them, however long it takes."""
        content = gzip.compress(encode_protobuf_request(spans), compresslevel=3)
        self._retrying(self._send_once, content, len(spans))

    def _send_once(self, content: bytes, span_count: int) -> None:
        try:
            with self._client.stream("POST", self._target.url, content=content) as response:
                answer = next(response.iter_bytes(_MAX_RESPONSE_BYTES), b"")
        except httpx.DecodingError:
            answer = b""
        except httpx.TransportError as error:
            raise TargetUnavailable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        if response.status_code in RETRYABLE_STATUSES:
            raise TargetUnavailable(f"status {response.status_code}", parse_retry_after(response))
        if response.is_success:
            self._count_taken(span_count, answer)
        else:
            self._count_refused(span_count, f"status {response.status_code}: {answer[:200]!r}", "refused")

    def _count_taken(self, span_count: int, answer: bytes) -> None:
        try:
            partial_success = ExportTraceServiceResponse.FromString(answer).partial_success
        except DecodeError:  # another tool's own answer
            refused, reason = 0, ""
        else:
            refused, reason = min(max(partial_success.rejected_spans, 0), span_count), partial_success.error_message
        if refused:
            self._count_refused(refused, reason[:200], "partly_refused")
        FORWARDED_SPANS.labels(self._target.label).inc(span_count - refused)

    def _count_refused(self, span_count: int, why: str, reason: str) -> None:
        FORWARD_FAILURES.labels(self._target.label, reason).inc(span_count)
        logger.error(
            "%s refused %d spans, which are not sent again: %s",
            *(self._target.label, span_count, why),
            extra={"action": "forward_refused"},
        )

    def _log_retry(self, attempts: RetryCallState) -> None:
        delay = attempts.next_action.sleep if attempts.next_action else 0.0
        logger.warning(
            "%s takes no spans (%s); attempt %d follows in %.0f s",
            *(self._target.label, _last_error(attempts), attempts.attempt_number + 1, delay),
            extra={"action": "forward_retry"},
        )


_exponential_delay = wait_exponential_jitter(initial=_FIRST_RETRY_DELAY, max=MAX_RETRY_DELAY)


def _choose_delay(attempts: RetryCallState) -> float:
    """Return the seconds until the next attempt: no earlier than the target asked for."""
    error = _last_error(attempts)
    asked = error.retry_after if isinstance(error, TargetUnavailable) else None
    return max(_exponential_delay(attempts), min(asked or 0.0, MAX_RETRY_AFTER))


def _last_error(attempts: RetryCallState) -> BaseException | None:
    return None if attempts.outcome is None else attempts.outcome.exception()
