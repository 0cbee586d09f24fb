"""A run's life as segments of a bar, from the timestamps that it carries and nothing else.

`started_at` moves forward whenever a run goes on after tool outputs, so the time before it is the queue only
as long as no step is older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.ui import formats
from runs.models import Run, RunStep
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.protocol.timestamps import milliseconds_between

# How wide a segment is drawn, by its least share of the whole; the steps are those of the stylesheet.
_WIDTHS = ((0.5, 9), (0.2, 6), (0.08, 2), (0.0, 1))


@dataclass(frozen=True, slots=True)
class LifecycleSegment:
    """`kind`: q before the start, r running, w waiting, end, x expiry. `note` is the line below the label."""

    kind: str
    label: str
    span: str = ""
    so_far: bool = False
    at: datetime | None = None
    note: str = ""
    status: str = ""
    ms: int = 0
    width: int = 0


@dataclass(frozen=True, slots=True)
class RunClock:
    """How a run's times are worded: whole seconds, or milliseconds where its server sent them."""

    precise: bool
    now: datetime

    @classmethod
    def of(cls, run: Run, now: datetime) -> RunClock:
        sent = (run.created_at, run.started_at, run.ended_at)
        return cls(any(moment is not None and moment.microsecond for moment in sent), now)

    def span(self, ms: int | None, *, spelled: bool = False) -> str:
        return formats.format_duration(ms, precise=self.precise, spelled=spelled)

    def time(self, moment: datetime) -> str:
        utc = moment.astimezone(UTC)
        return f"{utc:%H:%M:%S}.{utc.microsecond // 1000:03}" if self.precise else f"{utc:%H:%M:%S}"


def is_run_overdue(run: Run, now: datetime) -> bool:
    """Whether an active run must have expired meanwhile, though nobody said so."""
    return run.status not in TERMINAL_RUN_STATUSES and run.expires_at is not None and run.expires_at < now


def is_run_ongoing(run: Run, now: datetime) -> bool:
    """Whether time still passes for `run`. Of a status that the protocol does not know, nobody can tell."""
    return run.status in Run.Status.values and run.status not in TERMINAL_RUN_STATUSES and not is_run_overdue(run, now)


def waiting_since(steps: Iterable[RunStep]) -> datetime | None:
    """When the calls whose outputs are awaited were made: the newest step that has not ended."""
    return max((step.created_at for step in steps if step.status == "in_progress"), default=None)


def build_lifecycle(run: Run, steps: Iterable[RunStep], now: datetime) -> list[LifecycleSegment]:
    """The segments of `run`'s bar, in order, each with the width it is drawn with."""
    steps = list(steps)
    clock = RunClock.of(run, now)
    end = now if is_run_ongoing(run, now) else run.ended_at
    spans = [*_before_start(run, steps, end, clock), *_after_start(run, steps, end, clock)]
    total = sum(segment.ms for segment in spans)
    drawn = [_sized(segment, total) for segment in spans]
    return [*drawn, *_ending(run, clock), *_expiry(run, clock)]


def _before_start(run: Run, steps: list[RunStep], end: datetime | None, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.started_at is None:
        label = "Not started" if run.status in TERMINAL_RUN_STATUSES else formats.format_status(run.status)
        yield _span("q", label, run.created_at, end, clock, open_ended=run.status not in TERMINAL_RUN_STATUSES)
        return
    resumed = any(step.created_at < run.started_at for step in steps)
    label = "Queued and earlier turns" if resumed else "Queued"
    yield _span("q", label, run.created_at, run.started_at, clock)


def _after_start(run: Run, steps: list[RunStep], end: datetime | None, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.started_at is None:
        return
    active = run.status not in TERMINAL_RUN_STATUSES
    if run.status != "requires_action":
        label = formats.format_status(run.status) if active else "In progress"
        yield _span("r", label, run.started_at, end, clock, open_ended=active)
        return
    since = waiting_since(steps)
    if since is None or since < run.started_at:
        yield _span("w", "In progress, then waiting", run.started_at, end, clock, open_ended=True)
        return
    yield _span("r", "In progress", run.started_at, since, clock)
    yield _span("w", formats.format_status(run.status), since, end, clock, open_ended=True)


def _span(
    kind: str, label: str, begin: datetime, end: datetime | None, clock: RunClock, *, open_ended: bool = False
) -> LifecycleSegment:
    ms = milliseconds_between(begin, end)
    span = "" if ms is None else clock.span(ms)
    so_far = open_ended and ms is not None
    return LifecycleSegment(kind, label, span, so_far, begin, f"from {clock.time(begin)}", ms=ms or 0)


def _ending(run: Run, clock: RunClock) -> Iterator[LifecycleSegment]:
    if run.status in TERMINAL_RUN_STATUSES:
        note = clock.time(run.ended_at) if run.ended_at else "time not sent"
        yield LifecycleSegment("end", formats.format_status(run.status), at=run.ended_at, note=note, status=run.status)


def _expiry(run: Run, clock: RunClock) -> Iterator[LifecycleSegment]:
    expiry = run.expires_at
    if expiry is None or run.status == "expired":
        return
    if run.status not in TERMINAL_RUN_STATUSES:
        passed = expiry < clock.now
        label = "Expiry passed" if passed else "Expires in"
        span = "" if passed else formats.format_duration(milliseconds_between(clock.now, expiry), spelled=True)
        yield LifecycleSegment("x", label, span, at=expiry, note=clock.time(expiry), width=2 if passed else 6)
    elif run.ended_at is not None and expiry > run.ended_at:
        later = formats.format_duration(milliseconds_between(run.ended_at, expiry), spelled=True)
        yield LifecycleSegment(
            "x", "Would have expired", at=expiry, note=f"{clock.time(expiry)}, {later} later", width=2
        )


def _sized(segment: LifecycleSegment, total: int) -> LifecycleSegment:
    share = segment.ms / total if total else 0.0
    width = next(width for least, width in _WIDTHS if share >= least)
    return LifecycleSegment(
        segment.kind,
        segment.label,
        segment.span,
        segment.so_far,
        segment.at,
        segment.note,
        ms=segment.ms,
        width=width,
    )
