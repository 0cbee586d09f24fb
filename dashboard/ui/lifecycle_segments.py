"""The segments of a lifecycle bar: their texts, their widths, and what stands for the middle of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.ui.run_clock import RunClock
from runs.protocol.timestamps import milliseconds_between

MAX_SEGMENTS = 10
_FIRST_SEGMENTS = 5  # of a bar with more
# The width of a segment by its smallest share of the whole; the stylesheet defines the same widths.
_WIDTHS = ((0.5, 9), (0.2, 6), (0.08, 2), (0.0, 1))


@dataclass(frozen=True, slots=True)
class LifecycleSegment:
    """A segment of the bar.

    `kind` is "q" (before the start), "r" (running), "w" (waiting), "more" (several), "end" or "x" (expiry). `begin` is
    the time of its left edge, `note` the line below the label. `ms` is None if its length is unknown.
    """

    kind: str
    label: str
    duration: str = ""
    is_ongoing: bool = False
    begin: datetime | None = None
    note: str = ""
    status: str = ""
    ms: int | None = 0
    width: int = 0


def build_segment(
    kind: str, label: str, begin: datetime, end: datetime | None, clock: RunClock, *, is_ongoing: bool = False
) -> LifecycleSegment:
    """Return the segment from `begin` to `end`, which is None or earlier if it is not known."""
    ms = milliseconds_between(begin, end)
    return LifecycleSegment(
        kind,
        label,
        duration="" if ms is None else clock.format_duration(ms),
        is_ongoing=is_ongoing and ms is not None,
        begin=begin,
        note=f"from {clock.format_time(begin)}",
        ms=ms,
    )


def fold_segments(segments: Sequence[LifecycleSegment], clock: RunClock) -> list[LifecycleSegment]:
    """Return `segments`, or the first and last ones of many with one that stands for those between."""
    if len(segments) <= MAX_SEGMENTS:
        return list(segments)
    last_count = MAX_SEGMENTS - _FIRST_SEGMENTS - 1
    first, middle, last = segments[:_FIRST_SEGMENTS], segments[_FIRST_SEGMENTS:-last_count], segments[-last_count:]
    begin, end = middle[0].begin, last[0].begin
    if begin is None:
        return [*first, *last]
    return [*first, build_segment("more", f"{len(middle):,} more segments", begin, end, clock), *last]


def size_segments(segments: Sequence[LifecycleSegment]) -> list[LifecycleSegment]:
    """Return `segments` with their widths. A segment of unknown length takes most of the bar, the others little."""
    if any(segment.ms is None for segment in segments):
        return [replace(segment, width=1 if segment.ms is not None else 9) for segment in segments]
    total = sum(segment.ms or 0 for segment in segments)
    return [replace(segment, width=_width((segment.ms or 0) / total if total else 0.0)) for segment in segments]


def _width(share: float) -> int:
    return next(width for min_share, width in _WIDTHS if share >= min_share)
