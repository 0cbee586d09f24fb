"""The times of a run as text, in the precision that its server sent, and whether it is still in progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from dashboard.ui import formats
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES


@dataclass(frozen=True, slots=True)
class RunClock:
    """Formats the times of a run: whole seconds, or milliseconds if its server sent them."""

    precise: bool
    now: datetime

    @classmethod
    def for_run(cls, run: Run, now: datetime) -> RunClock:
        """Choose the precision of the timestamps that were sent."""
        sent = (run.stated_created_at, run.started_at, run.ended_at)
        return cls(any(moment is not None and moment.microsecond for moment in sent), now)

    def format_duration(self, ms: int | None) -> str:
        """Format a duration in milliseconds."""
        return formats.format_duration(ms, precise=self.precise)

    def format_time(self, moment: datetime) -> str:
        """Format a time of day, in the time zone of the reader."""
        local = timezone.localtime(moment)
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}" if self.precise else f"{local:%H:%M:%S}"


def is_run_overdue(run: Run, now: datetime) -> bool:
    """Return whether an active run is past its expiry, although no later status was received."""
    return run.status not in TERMINAL_RUN_STATUSES and run.expires_at is not None and run.expires_at < now


def is_run_ongoing(run: Run, now: datetime) -> bool:
    """Return whether `run` is still in progress. A run with an unknown status is not."""
    return run.status in Run.Status.values and run.status not in TERMINAL_RUN_STATUSES and not is_run_overdue(run, now)
