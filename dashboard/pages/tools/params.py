"""What the addresses of the tools pages ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest

from dashboard.web import query_params
from runs.analytics.tools import Period
from runs.errors import Problem
from runs.query.did_you_mean import suggestion

# Rows at first, and how many more each time.
ROWS = 50
_MOST_ROWS = 1_000
Choice = TypeVar("Choice", bound=StrEnum)


class Range(StrEnum):
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

    def period(self, now: datetime) -> Period:
        """The hours that are meant, in as many parts as a small picture shows."""
        length, parts = {
            Range.DAY: (timedelta(hours=24), 24),
            Range.WEEK: (timedelta(days=7), 28),
            Range.MONTH: (timedelta(days=30), 30),
        }[self]
        return Period.before(now, length, parts)


class Show(StrEnum):
    """Which of the tools."""

    ALL = "all"
    FAILING = "failing"
    UNCALLED = "uncalled"
    DIFFERING = "differing"


class Sort(StrEnum):
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
class Asked:
    """The list: over what time, which tools, in which order, and how many of them at once."""

    range: Range = Range.WEEK
    show: Show = Show.ALL
    q: str = ""
    sort: Sort = Sort.CALLS
    rows: int = ROWS

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Raises InvalidFilter."""
        given = query_params.read(request, "range", "show", "q", "sort", "rows")
        return cls(
            choice(given, "range", Range.WEEK),
            choice(given, "show", Show.ALL),
            given.get("q", "").strip(),
            choice(given, "sort", Sort.CALLS),
            _count(given.get("rows")),
        )

    def query(self, **changes: Any) -> str:
        """The query string of the same with `changes`; what is usual is left out."""
        state, usual = replace(self, **changes), Asked()
        names = ("range", "show", "q", "sort", "rows")
        pairs = [(name, getattr(state, name)) for name in names if getattr(state, name) != getattr(usual, name)]
        return f"?{urlencode(pairs)}" if pairs else ""


def choice(given: dict[str, str], name: str, usual: Choice) -> Choice:
    """A parameter that is one of few. Raises InvalidFilter."""
    known, value = type(usual), given.get(name, usual)
    if value in list(known):
        return known(value)
    near = suggestion(value, list(known))
    hint = f"did you mean '{near}'?" if near else f"known are {', '.join(known)}"
    raise query_params.invalid(Problem(name, f"unknown value '{value}'; {hint}"))


def _count(text: str | None) -> int:
    if text is None:
        return ROWS
    if text.isdecimal() and len(text) < 6 and 0 < int(text) <= _MOST_ROWS:
        return int(text)
    raise query_params.invalid(Problem("rows", f"expected a number from 1 to {_MOST_ROWS:,}"))
