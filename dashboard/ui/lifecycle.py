"""The lifecycle bar of a run, computed from the timestamps of the run and its steps alone.

`started_at` moves forward whenever a run continues after tool outputs. So the time before it is queue time only
if no step is older.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dashboard.ui import formats
from runs.analytics.run_steps import StepTotals
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.protocol.timestamps import milliseconds_between

# The width of a segment by its smallest share of the whole; the stylesheet defines the same widths.
_WIDTHS = ((0.5, 9), (0.2, 6), (0.08, 2), (0.0, 1))


@dataclass(frozen=True, slots=True)
class LifecycleSegment:
    """A segment of the bar.

    `kind` is "q" (before the start), "r" (running), "w" (waiting), "end" or "x" (expiry). `begin` is the time of
    its left edge, `note` the line below the label.
    """

    kind: str
    label: str
    duration: str = ""
    is_ongoing: bool = False
    begin: datetime | None = None
    note: str = ""
    status: str = ""
    ms: int = 0
    width: int = 0


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

    def format_duration(self, ms: int | None, *, spelled: bool = False) -> str:
        """Format a duration in milliseconds."""
        return formats.format_duration(ms, precise=self.precise, spelled=spelled)

    def format_time(self, moment: datetime) -> str:
        """Format a time of day, in UTC."""
        utc = moment.astimezone(UTC)
        return f"{utc:%H:%M:%S}.{utc.microsecond // 1000:03}" if self.precise else f"{utc:%H:%M:%S}"


def is_run_overdue(run: Run, now: datetime) -> bool:
    """Return whether an active run is past its expiry, although no later status was received."""
    return run.status not in TERMINAL_RUN_STATUSES and run.expires_at is not None and run.expires_at < now


def is_run_ongoing(run: Run, now: datetime) -> bool:
    """Return whether `run` is still in progress. A run with an unknown status is not."""
    return run.status in Run.Status.values and run.status not in TERMINAL_RUN_STATUSES and not is_run_overdue(run, now)


def build_lifecycle(run: Run, steps: StepTotals, now: datetime) -> list[LifecycleSegment]:
    """Return the segments of the bar of `run`, in order."""
    clock = RunClock.for_run(run, now)
    end = now if is_run_ongoing(run, now) else run.ended_at
    spans = [*_before_start(run, steps, end, clock), *_after_start(run, steps, end, clock)]
    total = sum(segment.ms for segment in spans)
    sized = [replace(segment, width=_width(segment.ms / total if total else 0.0)) for segment in spans]
    return [*sized, *_ending(run, clock), *_expiry(run, clock)]


def _before_start(run: Run, steps: StepTotals, end: datetime | None, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.started_at is None:
        is_terminal = run.status in TERMINAL_RUN_STATUSES
        label = "Not started" if is_terminal else formats.format_status(run.status)
        yield _span("q", label, run.stated_created_at, end, clock, open_ended=not is_terminal)
        return
    resumed = steps.first_at is not None and steps.first_at < run.started_at
    label = "Queued and earlier turns" if resumed else "Queued"
    yield _span("q", label, run.stated_created_at, run.started_at, clock)


def _after_start(run: Run, steps: StepTotals, end: datetime | None, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.started_at is None:
        return
    active = run.status not in TERMINAL_RUN_STATUSES
    if run.status != "requires_action":
        label = formats.format_status(run.status) if active else "In progress"
        yield _span("r", label, run.started_at, end, clock, open_ended=active)
        return
    since = steps.waiting_since
    if since is None or since < run.started_at:
        yield _span("w", "In progress, then waiting", run.started_at, end, clock, open_ended=True)
        return
    yield _span("r", "In progress", run.started_at, since, clock)
    yield _span("w", formats.format_status(run.status), since, end, clock, open_ended=True)


def _span(
    kind: str, label: str, begin: datetime, end: datetime | None, clock: RunClock, *, open_ended: bool = False
) -> LifecycleSegment:
    ms = milliseconds_between(begin, end)
    return LifecycleSegment(
        kind,
        label,
        duration="" if ms is None else clock.format_duration(ms),
        is_ongoing=open_ended and ms is not None,
        begin=begin,
        note=f"from {clock.format_time(begin)}",
        ms=ms or 0,
    )


def _ending(run: Run, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.status in TERMINAL_RUN_STATUSES:
        note = clock.format_time(run.ended_at) if run.ended_at else "time not sent"
        label = formats.format_status(run.status)
        yield LifecycleSegment("end", label, begin=run.ended_at, note=note, status=run.status)


def _expiry(run: Run, clock: RunClock) -> Iterator[LifecycleSegment]:
    expiry = run.expires_at
    if expiry is None or run.status == "expired":
        return
    note = clock.format_time(expiry)
    if run.status not in TERMINAL_RUN_STATUSES:
        passed = expiry < clock.now
        label = "Expiry passed" if passed else "Expires in"
        left = "" if passed else formats.format_duration(milliseconds_between(clock.now, expiry), spelled=True)
        yield LifecycleSegment("x", label, left, begin=expiry, note=note, width=2 if passed else 6)
    elif run.ended_at is not None and expiry > run.ended_at:
        later = formats.format_duration(milliseconds_between(run.ended_at, expiry), spelled=True)
        yield LifecycleSegment("x", "Would have expired", begin=expiry, note=f"{note}, {later} later", width=2)


def _width(share: float) -> int:
    return next(width for min_share, width in _WIDTHS if share >= min_share)
