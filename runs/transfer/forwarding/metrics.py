"""Numbers of the forwarder, by target."""

from __future__ import annotations

import time

from django.utils import timezone
from prometheus_client import Counter, Gauge

from runs.models import ForwardItem
from runs.transfer.forwarding.targets import ForwardTarget

FORWARDED_SPANS = Counter("runglass_forwarded_spans", "Spans that a target has taken", ["target"])
FORWARD_FAILURES = Counter(
    "runglass_forward_failures",
    "Spans that a target refused, and spans and runs that were given up, by reason",
    ["target", "reason"],
)
FORWARD_WAITING = Gauge(
    "runglass_forward_waiting", "Spans and runs that wait for a target", ["target"], multiprocess_mode="livesum"
)
FORWARD_AGE = Gauge(
    "runglass_forward_age_seconds", "Age of the oldest that waits", ["target"], multiprocess_mode="livesum"
)
MEASURE_SECONDS = 15.0


class WaitingMeter:
    """Measures from time to time what waits for a target."""

    def __init__(self, target: ForwardTarget) -> None:
        """Start without having measured."""
        self._target = target
        self._measured_at = float("-inf")

    def measure_if_due(self) -> None:
        """Measure if the last time is long ago. Raises Django's DatabaseError."""
        if time.monotonic() < self._measured_at + MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        waiting = ForwardItem.objects.count_waiting(self._target.url)
        age = 0.0 if waiting.oldest is None else (timezone.now() - waiting.oldest).total_seconds()
        FORWARD_WAITING.labels(self._target.label).set(waiting.total)
        FORWARD_AGE.labels(self._target.label).set(age)
