"""The query parameters of the tool pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.web.query_params import QueryParams, parse_choice, parse_integer, parse_text, query_param
from runs.errors import Problem
from runs.rollups.time_buckets import TimeBuckets, build_recent_buckets

DEFAULT_ROWS = 50  # also the number of rows that "Load more" adds
MAX_ROWS = 1_000
MAX_TOOL_SEARCH_LENGTH = 200
MAX_NUMBER = 99_999  # of versions, and of calls in a step


class ToolTimeRange(StrEnum):
    """The time ranges that calls are counted in, up to now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def short_label(self) -> str:
        """The label in the menu: `24 h`."""
        return f"{self[:-1]} {self[-1]}"

    @property
    def label(self) -> str:
        """The label in sentences: `24 hours`."""
        return {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}[self]

    def build_buckets(self, now: datetime) -> TimeBuckets:
        """Return the range as buckets of whole hours, as many as a sparkline shows."""
        length, count = {
            ToolTimeRange.DAY: (timedelta(hours=24), 24),
            ToolTimeRange.WEEK: (timedelta(days=7), 28),
            ToolTimeRange.MONTH: (timedelta(days=30), 30),
        }[self]
        return build_recent_buckets(now, length, count)


class ToolTab(StrEnum):
    """The tabs of the list: subsets of the tools."""

    ALL = "all"
    FAILED = "failed"
    INVALID = "invalid"
    UNCALLED = "uncalled"
    DIFFERING = "differing"


class ToolSort(StrEnum):
    """The columns that the list can be sorted by: names in ascending, all others in descending order."""

    CALLS = "calls"
    NAME = "name"
    FAILED = "failed"
    INVALID = "invalid"
    P50 = "p50"
    P95 = "p95"
    OUTPUT = "output"
    VERSIONS = "versions"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class ToolListParams(QueryParams):
    """The parameters of the list. `q` contains words that a tool's name, type or description must contain."""

    range: ToolTimeRange = query_param(parse_choice(ToolTimeRange), default=ToolTimeRange.WEEK)
    tab: ToolTab = query_param(parse_choice(ToolTab), default=ToolTab.ALL, name="show")
    q: str = query_param(parse_text, default="", max_length=MAX_TOOL_SEARCH_LENGTH)
    sort: ToolSort = query_param(parse_choice(ToolSort), default=ToolSort.CALLS)
    rows: int = query_param(parse_integer(1, MAX_ROWS), default=DEFAULT_ROWS)


@dataclass(frozen=True, slots=True)
class ToolDetailParams(QueryParams):
    """The parameters of the page of a tool.

    `left` and `right` are the numbers of two versions to compare. `run` and `step` are ids and `call` is
    the index of a call in the step; if all three are given, the response is a fragment with that call.
    """

    range: ToolTimeRange = query_param(parse_choice(ToolTimeRange), default=ToolTimeRange.WEEK)
    left: int | None = query_param(parse_integer(0, MAX_NUMBER), default=None)
    right: int | None = query_param(parse_integer(0, MAX_NUMBER), default=None)
    run: str | None = query_param(str, default=None)
    step: str | None = query_param(str, default=None)
    call: int | None = query_param(parse_integer(0, MAX_NUMBER), default=None)

    def find_problems(self) -> Iterable[Problem]:
        """Return a problem if only one of two versions is given."""
        if (self.left is None) != (self.right is None):
            yield Problem("left", "expected together with 'right'")

    @property
    def compared_versions(self) -> tuple[int, int] | None:
        """The numbers of the versions to compare."""
        return None if self.left is None or self.right is None else (self.left, self.right)

    @property
    def sample_call(self) -> tuple[str, str, int] | None:
        """The ids of the run and the step, and the index of the call."""
        if self.run is None or self.step is None or self.call is None:
            return None
        return self.run, self.step, self.call
