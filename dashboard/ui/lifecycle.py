"""The lifecycle bar of a run: in the queue, at work, waiting for tool outputs, at work again, and the end.

It is drawn from the timestamps of the run, of its earlier snapshots and of its steps alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from dashboard.ui import formats
from dashboard.ui.lifecycle_segments import LifecycleSegment, build_segment, fold_segments, size_segments
from dashboard.ui.run_clock import RunClock, is_run_ongoing
from runs.analytics.run_steps import StepTotals
from runs.analytics.run_turns import ROUNDING, RunTurns
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.protocol.timestamps import milliseconds_between

CallWait = tuple[datetime, datetime | None]
_UNKNOWN_WAIT = "In progress, then waiting"  # no step tells when the wait began
NEVER_STARTED_STATUSES = ("cancelled", "expired")  # the final statuses that a run can have without having started


def build_lifecycle(run: Run, steps: StepTotals, turns: RunTurns, now: datetime) -> list[LifecycleSegment]:
    """Return the segments of the bar of `run`, in order."""
    clock = RunClock.for_run(run, now)
    end = now if is_run_ongoing(run, now) else run.ended_at
    segments = [*_before_start(run, turns, end, clock), *_turn_segments(run, steps, turns, end, clock)]
    return [*size_segments(fold_segments(segments, clock)), *_ending(run, clock), *_expiry(run, clock)]


def _before_start(run: Run, turns: RunTurns, end: datetime | None, clock: RunClock) -> Iterator[LifecycleSegment]:
    is_terminal = run.status in TERMINAL_RUN_STATUSES
    if turns.starts:
        label = "Queued" if turns.is_first_start_known else f"Before {'the last' if is_terminal else 'this'} turn"
        yield build_segment("q", label, run.stated_created_at, turns.starts[0], clock)
    elif not is_terminal:
        label = formats.format_status(run.status)
        yield build_segment("q", label, run.stated_created_at, end, clock, is_ongoing=True)
    elif run.status in NEVER_STARTED_STATUSES:
        yield build_segment("q", "Not started", run.stated_created_at, end, clock)
    else:
        yield build_segment("r", "Queued and in progress", run.stated_created_at, end, clock)


def _turn_segments(
    run: Run, steps: StepTotals, turns: RunTurns, end: datetime | None, clock: RunClock
) -> Iterator[LifecycleSegment]:
    """Yield the segments from the first start on. A turn ends where the next one starts."""
    for begin, next_begin in pairwise(turns.starts):
        yield from _ended_turn(turns, begin, next_begin, clock)
    if not turns.starts:
        return
    begin = turns.starts[-1]
    if run.status != "requires_action":
        yield from _last_turn(run, turns, begin, end, clock)
    elif steps.waiting_since is None or steps.waiting_since < begin:
        yield build_segment("w", _UNKNOWN_WAIT, begin, end, clock, is_ongoing=True)
    else:
        since = steps.waiting_since
        yield from _work_and_waits(_merge_waits(turns, begin, since), begin, since, clock)
        yield build_segment("w", formats.format_status(run.status), since, end, clock, is_ongoing=True)


def _ended_turn(turns: RunTurns, begin: datetime, next_begin: datetime, clock: RunClock) -> Iterator[LifecycleSegment]:
    """Yield the segments of a turn that another one follows. In between, the run is queued again."""
    waits = _merge_waits(turns, begin, next_begin)
    if not waits:
        yield build_segment("w", _UNKNOWN_WAIT, begin, next_begin, clock)
        return
    requeued_at = waits[-1][1] or next_begin
    yield from _work_and_waits(waits, begin, requeued_at, clock)
    if requeued_at < next_begin:
        yield build_segment("q", "Queued", requeued_at, next_begin, clock)


def _last_turn(
    run: Run, turns: RunTurns, begin: datetime, end: datetime | None, clock: RunClock
) -> Iterator[LifecycleSegment]:
    is_active = run.status not in TERMINAL_RUN_STATUSES
    waits = _merge_waits(turns, begin, end)
    since = begin if not waits else waits[-1][1] or end or waits[-1][0]
    yield from _work_and_waits(waits, begin, since, clock)
    if waits and since == end:
        return
    label = formats.format_status(run.status) if is_active else "In progress"
    yield build_segment("r", label, since, end, clock, is_ongoing=is_active)


def _work_and_waits(
    waits: Sequence[CallWait], begin: datetime, end: datetime, clock: RunClock
) -> Iterator[LifecycleSegment]:
    """Yield the segments from `begin` to `end`: at work except for `waits`."""
    position = begin
    for wait_begin, wait_end in waits:
        if wait_begin > position:
            yield build_segment("r", "In progress", position, wait_begin, clock)
        yield build_segment("w", "Waiting for outputs", wait_begin, wait_end or end, clock)
        position = wait_end or end
    if position < end:
        yield build_segment("r", "In progress", position, end, clock)


def _merge_waits(turns: RunTurns, begin: datetime, end: datetime | None) -> list[CallWait]:
    """Return the waits of the turn from `begin` to `end`, those that overlap as one."""
    merged: list[CallWait] = []
    for start, stop in turns.waits:
        if start < begin - ROUNDING or (end is not None and start >= end) or (stop is not None and stop <= begin):
            continue
        wait_begin, wait_end = max(start, begin), stop if end is None or stop is None else min(stop, end)
        if merged and (merged[-1][1] is None or wait_begin <= merged[-1][1]):
            last_begin, last_end = merged.pop()
            wait_begin, wait_end = last_begin, None if wait_end is None or last_end is None else max(wait_end, last_end)
        merged.append((wait_begin, wait_end))
    return merged


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
        left = "" if passed else formats.format_duration(milliseconds_between(clock.now, expiry))
        yield LifecycleSegment("x", label, left, begin=expiry, note=note, width=2 if passed else 6)
    elif run.ended_at is not None and expiry > run.ended_at:
        later = formats.format_duration(milliseconds_between(run.ended_at, expiry))
        yield LifecycleSegment("x", "Would have expired", begin=expiry, note=f"{note}, {later} later", width=2)
