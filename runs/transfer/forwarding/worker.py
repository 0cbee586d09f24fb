"""The threads that send to the targets, in the maintenance process.

What waits is bounded: by `MAX_WAITING` spans and runs for each target, of which the oldest are given up, and by
`MAX_AGE`. Both are logged as errors and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from runs.models import ForwardItem
from runs.protocol.otlp.outgoing_requests import batch_spans
from runs.transfer.forwarding.metrics import FORWARD_FAILURES, WaitingMeter
from runs.transfer.forwarding.pages import fetch_next_page, iterate_item_spans
from runs.transfer.forwarding.sender import RequestSender
from runs.transfer.forwarding.targets import ForwardTarget

logger = logging.getLogger(__name__)

# Of one target: some 100 MB of rows. The records themselves are stored anyway.
MAX_WAITING = 1_000_000
MAX_AGE = timedelta(days=7)
IDLE_SECONDS = 1.0  # between looks for something to send
TRIM_SECONDS = 60.0
_SLICE_SECONDS = 15.0  # of a longer wait


def start_forwarding() -> None:
    """Start a thread for each target of the settings. They never end."""
    for target in settings.OTLP_FORWARD_TARGETS:
        threading.Thread(target=_run_forwarder, args=(target,), name=f"forward {target.label}", daemon=True).start()


class Forwarder:
    """Sends what waits for one target."""

    def __init__(self, target: ForwardTarget, sender: RequestSender | None = None) -> None:
        """Send nothing yet."""
        self._target = target
        self._sender = sender or RequestSender(target, sleep=self._sleep)
        self._meter = WaitingMeter(target)
        self._trimmed_at = float("-inf")

    def step(self) -> bool:
        """Send the next page, and return whether there was anything. Raises Django's DatabaseError."""
        self.keep_bounds()
        items = fetch_next_page(self._target.url)
        if items:
            self._send_page(items)
        return bool(items)

    def keep_bounds(self) -> None:
        """Give up what waits for too long, or is too much, and measure the rest. Raises Django's DatabaseError."""
        self._meter.measure_if_due()
        if time.monotonic() < self._trimmed_at + TRIM_SECONDS:
            return
        self._trimmed_at = time.monotonic()
        _report_lost(self._target, "too_many", ForwardItem.objects.delete_overflow(self._target.url, MAX_WAITING))
        expired = ForwardItem.objects.delete_expired(timezone.now() - MAX_AGE)
        _report_lost(self._target, "too_old", expired.get(self._target.url, 0))

    def _send_page(self, items: Sequence[ForwardItem]) -> None:
        """Send items, and delete them. Nothing about one of them stops the others."""
        try:
            for batch in batch_spans(iterate_item_spans(items)):
                self._sender.send(batch)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:  # Posted content may be the cause, and there is no telling which exceptions it can lead to.
            logger.exception("Spans for %s can't be built", self._target.label, extra={"action": "forward_failed"})
            if len(items) > 1:
                for item in items:
                    self._send_page([item])
                return
            _report_lost(self._target, "unreadable", 1)
        ForwardItem.objects.delete_sent(items)

    def _sleep(self, seconds: float) -> None:
        """Wait while the target is away."""
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            time.sleep(min(remaining, _SLICE_SECONDS))
            self.keep_bounds()


def _run_forwarder(target: ForwardTarget) -> None:
    forwarder = Forwarder(target)
    while True:
        try:
            has_sent = forwarder.step()
        except (DatabaseError, InterfaceError) as error:
            logger.info("The forwarder waits for the database: %s", error, extra={"action": "forward_waits"})
            connection.close()
            has_sent = False
        if not has_sent:
            time.sleep(IDLE_SECONDS)


def _report_lost(target: ForwardTarget, reason: str, count: int) -> None:
    if count:
        FORWARD_FAILURES.labels(target.label, reason).inc(count)
        logger.error(
            "Gave up %d spans and runs that waited for %s (%s)",
            *(count, target.label, reason),
            extra={"action": "forward_lost"},
        )
