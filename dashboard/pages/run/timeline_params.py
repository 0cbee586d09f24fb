"""The values of the query parameters of a timeline."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from dashboard.ui.timeline_axis import TimelineAxis

_ZOOM = re.compile(r"(\d{1,15})-(\d{1,15})")


class TimelineView(StrEnum):
    """The contents of the timeline of a run that is derived from a trace."""

    SPANS = "spans"
    STEPS = "steps"


class TimelineZoom(NamedTuple):
    """A part of the time axis, in microseconds from its beginning."""

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> TimelineZoom:
        """Parse a part such as `1500000-2000000`."""
        match = _ZOOM.fullmatch(text)
        if match is None or int(match[1]) >= int(match[2]):
            raise ValueError(f"expected two ascending numbers of microseconds such as 0-1500000, got '{text}'")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.begin}-{self.end}"

    def apply(self, axis: TimelineAxis) -> TimelineAxis:
        """Return the part of an axis; the whole if they have nothing in common."""
        begin = axis.begin + timedelta(microseconds=self.begin)
        end = min(axis.end, axis.begin + timedelta(microseconds=self.end))
        return TimelineAxis(begin, end) if begin < end else axis
