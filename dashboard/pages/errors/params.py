"""The query parameters of the error pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from dashboard.web.query_params import QueryParams, parse_choice, parse_integer, query_param, run_filters
from runs.analytics.error_group_selection import (
    DEFAULT_SINCE,
    ErrorGroupSort,
    ErrorGroupTab,
    add_default_range,
)
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters, TimeExpression
from runs.query.relative_times import describe_time_range

MAX_PAGE = 999_999
ASSIGNED_TO_ME = "me"


@dataclass(frozen=True, slots=True)
class ErrorGroupParams(QueryParams):
    """The parameters of the page of one group. `filters` are as in the URL, without the default time range."""

    filters: RunFilters = run_filters()

    @property
    def effective_filters(self) -> RunFilters:
        """The filters, with the default time range if the URL has none."""
        return add_default_range(self.filters)

    @property
    def has_filters(self) -> bool:
        """Return whether there is any filter but the time range."""
        return bool(set(self.filters.active_names) - {"since", "until"})

    @property
    def range_text(self) -> str:
        """The time range as a noun: `the last 14 days`, `the period since 2026-11-01 00:00:00 UTC`."""
        since, until = self.effective_filters.since, self.effective_filters.until
        if since and not until and since.is_relative:
            return f"the last {since.describe_distance()}"
        return f"the period {describe_time_range(since, until)}"

    @property
    def range_form_pairs(self) -> list[tuple[str, str]]:
        """The parameters that the form of the time range keeps."""
        return [pair for pair in self.first_page().query_pairs() if pair[0] not in ("from", "to")]

    def with_range(self, since: TimeExpression) -> Self:
        """Return the parameters for the runs since a time, which is left out of the URL if it is the default."""
        filters = replace(self.filters, since=None if since == DEFAULT_SINCE else since, until=None)
        return replace(self.first_page(), filters=filters)

    def first_page(self) -> Self:
        """Return the parameters of the first page of the same list."""
        return self


@dataclass(frozen=True, slots=True)
class ErrorGroupListParams(ErrorGroupParams):
    """The parameters of the list."""

    assigned: str = query_param(clean_text, default="")  # `ASSIGNED_TO_ME`, `UNASSIGNED`, or a user name
    tab: ErrorGroupTab = query_param(parse_choice(ErrorGroupTab), default=ErrorGroupTab.OPEN, name="show")
    sort: ErrorGroupSort = query_param(parse_choice(ErrorGroupSort), default=ErrorGroupSort.RUNS)
    page: int = query_param(parse_integer(1, MAX_PAGE), default=1)

    def first_page(self) -> Self:
        """Return the parameters of the first page of the same list."""
        return replace(self, page=1)
