"""What the addresses of the tools pages ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest

from dashboard.web import query_params
from runs.errors import Problem
from runs.query.did_you_mean import find_closest_match
from runs.rollups.time_buckets import TimeBuckets, build_recent_buckets

# Rows at first, and how many more each time.
DEFAULT_ROWS = 50
MAX_ROWS = 1_000
Choice = TypeVar("Choice", bound=StrEnum)


class ToolTimeRange(StrEnum):
    """How far back."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def label(self) -> str:
        return f"{self[:-1]} {self[-1]}"

    @property
    def words(self) -> str:
        return {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}[self]

    def period(self, now: datetime) -> TimeBuckets:
        """The hours that are meant, in as many parts as a small picture shows."""
        length, parts = {
            ToolTimeRange.DAY: (timedelta(hours=24), 24),
            ToolTimeRange.WEEK: (timedelta(days=7), 28),
            ToolTimeRange.MONTH: (timedelta(days=30), 30),
        }[self]
        return build_recent_buckets(now, length, parts)


class ToolTab(StrEnum):
    """Which of the tools."""

    ALL = "all"
    FAILING = "failing"
    UNCALLED = "uncalled"
    DIFFERING = "differing"


class ToolSort(StrEnum):
    """By what the table is sorted: the most first, names from the start."""

    CALLS = "calls"
    NAME = "name"
    FAILED = "failed"
    MISARGUED = "misargued"
    P50 = "p50"
    P95 = "p95"
    OUTPUT = "output"
    VERSIONS = "versions"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class ToolListParams:
    """The list: over what time, which tools, in which order, and how many of them at once."""

    range: ToolTimeRange = ToolTimeRange.WEEK
    show: ToolTab = ToolTab.ALL
    q: str = ""
    sort: ToolSort = ToolSort.CALLS
    rows: int = DEFAULT_ROWS

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Raises InvalidFilter."""
        given = query_params.read_query_params(request, "range", "show", "q", "sort", "rows")
        return cls(
            parse_choice(given, "range", ToolTimeRange.WEEK),
            parse_choice(given, "show", ToolTab.ALL),
            given.get("q", "").strip(),
            parse_choice(given, "sort", ToolSort.CALLS),
            _parse_row_count(given.get("rows")),
        )

    def query(self, **changes: Any) -> str:
        """The query string of the same with `changes`; what is usual is left out."""
        state, usual = replace(self, **changes), ToolListParams()
        names = ("range", "show", "q", "sort", "rows")
        pairs = [(name, getattr(state, name)) for name in names if getattr(state, name) != getattr(usual, name)]
        return f"?{urlencode(pairs)}" if pairs else ""


def parse_choice(given: dict[str, str], name: str, usual: Choice) -> Choice:
    """A parameter that is one of few. Raises InvalidFilter."""
    known, value = type(usual), given.get(name, usual)
    if value in list(known):
        return known(value)
    near = find_closest_match(value, list(known))
    hint = f"did you mean '{near}'?" if near else f"known are {', '.join(known)}"
    raise query_params.build_params_error(Problem(name, f"unknown value '{value}'; {hint}"))


def _parse_row_count(text: str | None) -> int:
    if text is None:
        return DEFAULT_ROWS
    if text.isdecimal() and len(text) < 6 and 0 < int(text) <= MAX_ROWS:
        return int(text)
    raise query_params.build_params_error(Problem("rows", f"expected a number from 1 to {MAX_ROWS:,}"))
