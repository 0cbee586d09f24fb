"""The URLs of the usage page: those of other queries, and those of the runs behind each number."""

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

UNPRICED_TERM = Not(Term("cost", (Exists(),)))


@dataclass(frozen=True, slots=True)
class UsageLinks:
    """The URLs around a usage query.

    `groups_since` and `latency_since` are the times from which groups and latency were counted, None if that is the
    whole period.
    """

    query: UsageQuery
    page_path: str
    runs_path: str
    groups_since: datetime | None = None
    latency_since: datetime | None = None

    def page(self, **changes: Any) -> str:
        """Return the URL of the usage page with some fields of the query changed."""
        query_string = self.query.to_query_string(**changes)
        return f"{self.page_path}?{query_string}" if query_string else self.page_path

    @property
    def page_without_times(self) -> str:
        """The URL of the usage page, to which `from` and `to` are added."""
        return self.page(requested_filters=self.query.filters, range="")

    @property
    def runs(self) -> str:
        """The URL of the list of the runs in the period."""
        return self._runs_within(self.query.filters, self.query.since, self.query.until)

    @property
    def previous_runs(self) -> str:
        """The URL of the list of the runs in the previous period."""
        return self._runs_within(self.query.filters, self.query.previous_since, self.query.since)

    def runs_matching(self, term: QueryNode) -> str:
        """Return the URL of the list of the runs in the period that match `term` too."""
        return self._runs_within(add_condition(self.query.filters, term), self.query.since, self.query.until)

    def group_runs(self, key: str | None, split: UsageSplit, *, previous: bool = False) -> str:
        """Return the URL of the list of the runs of a group, or "" if no filter can express its value."""
        if key == "":
            return ""
        query = self.query
        period = (self.groups_since or query.since, query.until)
        if previous:
            period = (query.previous_since, query.since)
        return self._runs_within(query.filters_for_group(key, split), *period)

    def latency_runs(self, assistant_id: str | None) -> LatencyLinks:
        """Return the URLs of the measured runs of an assistant, or of all if it is None."""
        filters = self.query.filters
        if assistant_id is not None:
            filters = self.query.filters_for_group(assistant_id, UsageSplit("assistant"))
        times = format_time_range_query(self.latency_since or self.query.since, self.query.until)
        return LatencyLinks(self.runs_without_times(filters.without("q")) + times, filters.q)

    def runs_without_times(self, filters: RunFilters) -> str:
        """Return the URL of a run list, to which `from` and `to` are appended."""
        return f"{self.runs_path}?{filters.to_query_string()}{'&' if filters else ''}"

    def _runs_within(self, filters: RunFilters, since: datetime, until: datetime) -> str:
        query_string = "&".join(filter(None, (filters.to_query_string(), format_time_range_query(since, until))))
        return f"{self.runs_path}?{query_string}"


@dataclass(frozen=True, slots=True)
class LatencyLinks:
    """The URLs of run lists. `url` is without the query `q`."""

    url: str
    q: Query | None

    def matching(self, term: QueryNode | None = None) -> str:
        """Return the URL of the list of the runs that match `term` too."""
        parts = [part for part in (self.q.tree if self.q else None, term) if part is not None]
        return f"{self.url}&{urlencode({'q': str(join_and(parts))})}" if parts else self.url


@lru_cache(maxsize=1024)  # a page has many links with the same few times
def format_time_range_query(since: datetime, until: datetime) -> str:
    """Return the parameters of the run list for a period."""
    return urlencode({"from": formats.format_iso_time(since), "to": formats.format_iso_time(until)})


def min_duration_term(milliseconds: int) -> QueryNode:
    """Return the condition that a run took at least this long."""
    return Term("duration", (Comparison(">=", DurationQuantity(milliseconds)),))


def min_queue_term(milliseconds: int) -> QueryNode:
    """Return the condition that a run waited at least this long before it started."""
    return Term("queue", (Comparison(">=", DurationQuantity(milliseconds)),))
