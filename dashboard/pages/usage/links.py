"""Where the numbers of the usage page lead: to the runs behind them, and to other sides of the same question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from dashboard.ui import formats
from runs.analytics.usage import UsageQuery, UsageSplit, add_condition
from runs.query import RunFilters
from runs.query.ast import Not, QueryNode, Term, join_and
from runs.query.grammar import Query
from runs.query.operators import Comparison, DurationQuantity, Exists


@dataclass(frozen=True, slots=True)
class UsageLinks:
    """Addresses around one question: `here` is the page, `runs` the run list.

    `counted_since` is where counting groups began, `paced_since` where counting durations did, if not at the start.
    """

    question: UsageQuery
    here: str
    runs: str
    counted_since: datetime | None = None
    paced_since: datetime | None = None

    def of(self, **changes: Any) -> str:
        """The page of the same question, changed."""
        query = self.question.query_string(**changes)
        return f"{self.here}?{query}" if query else self.here

    @property
    def timeless(self) -> str:
        """The page without times, which are to be added."""
        return self.of(requested_filters=self.question.filters, range="")

    def group(self, key: str | None, split: UsageSplit, *, before: bool = False) -> str:
        """The runs of one group, now or in the time before; "" where no query can ask for its value."""
        asked = self.question
        if key == "":
            return ""
        now = (self.counted_since or asked.since, asked.until)
        return self._within(
            asked.filters_for_group(key, split), *((asked.previous_since, asked.since) if before else now)
        )

    def assistant(self, assistant_id: str | None) -> LatencyLinks:
        """The runs of an assistant; of all where it is None."""
        asked = self.question
        filters = (
            asked.filters if assistant_id is None else asked.filters_for_group(assistant_id, UsageSplit("assistant"))
        )
        within = format_time_range_query(self.paced_since or asked.since, asked.until)
        return LatencyLinks(self.whenever(filters.without("q")) + within, filters.q)

    def where(self, term: QueryNode) -> str:
        """Those of the runs that the page is about of which `term` holds too."""
        return self._within(add_condition(self.question.filters, term), self.question.since, self.question.until)

    @property
    def all(self) -> str:
        """The runs that the page is about."""
        return self.between(self.question.since, self.question.until)

    @property
    def before(self) -> str:
        """Those of the time before."""
        return self.between(self.question.previous_since, self.question.since)

    def between(self, since: datetime, until: datetime) -> str:
        """Those of another time."""
        return self._within(self.question.filters, since, until)

    def whenever(self, filters: RunFilters) -> str:
        """Runs whenever they were created: `times` are to be added."""
        return f"{self.runs}?{filters.to_query_string()}{'&' if filters else ''}"

    def _within(self, filters: RunFilters, since: datetime, until: datetime) -> str:
        query = "&".join(filter(None, (filters.to_query_string(), format_time_range_query(since, until))))
        return f"{self.runs}?{query}"


@dataclass(frozen=True, slots=True)
class LatencyLinks:
    """The runs at an address, of which `q` is still to be said."""

    address: str
    q: Query | None

    def where(self, term: QueryNode | None = None) -> str:
        """Those of them of which `term` holds too."""
        parts = [each for each in (self.q.tree if self.q else None, term) if each is not None]
        return f"{self.address}&{urlencode({'q': str(join_and(parts))})}" if parts else self.address


@lru_cache(maxsize=1024)  # a page says the same few again and again
def format_time_range_query(since: datetime, until: datetime) -> str:
    """The parameters of the run list for that time."""
    return urlencode({"from": formats.format_iso_time(since), "to": formats.format_iso_time(until)})


UNPRICED_TERM = Not(Term("cost", (Exists(),)))


def min_duration_term(milliseconds: int) -> QueryNode:
    """That a run took no less."""
    return Term("duration", (Comparison(">=", DurationQuantity(milliseconds)),))


def min_queue_term(milliseconds: int) -> QueryNode:
    """That a run waited no less before it started."""
    return Term("queue", (Comparison(">=", DurationQuantity(milliseconds)),))
