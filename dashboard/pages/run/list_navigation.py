"""Navigate from a run to its neighbours in the list that it was opened from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qs

from dashboard.ui.run_list_address import LIST_PARAMS, RunListAddress, parse_run_list_address, run_list_path
from dashboard.ui.run_rows import encode_list_param
from runs.db.keyset_pagination import Order
from runs.db.query_time_limit import limit_query_time
from runs.errors import InvalidFilter, Problem, QueryTimeout
from runs.models import Run
from runs.models.run import RunQuerySet
from runs.query import RunFilters

# The next match of a query may be far away. Opening a run must not take as long as searching for it.
MAX_NEIGHBOUR_QUERY_SECONDS = 0.2
MAX_NUMBERED_RUNS = 1_000  # the first runs of a list, whose position in it is shown


@dataclass(frozen=True, slots=True)
class RunListContext:
    """The filters, the order and the columns of a run list. `address` is without a path."""

    filters: RunFilters
    address: RunListAddress

    @property
    def query(self) -> str:
        """The query string of the list."""
        return self.address.query_string(self.filters)

    @classmethod
    def parse(cls, query: str) -> Self:
        """Read the query string of a run list. Raises InvalidFilter, whose problems name `list`."""
        params = parse_qs(query, keep_blank_values=True)
        try:
            filters = RunFilters.parse_params(params, extra_params=LIST_PARAMS)
            address = parse_run_list_address("", params)
        except InvalidFilter as error:
            problems = [Problem("list", f"{problem.path}: {problem.message}") for problem in error.problems]
            raise InvalidFilter(f"list: {error.message}", problems) from error
        return cls(filters, address)


@dataclass(frozen=True, slots=True)
class ListNavigation:
    """The neighbours of a run in a list, by id.

    `query` is appended to the URLs of the neighbours, so that they are opened from the list too. `timed_out` means
    that the neighbours were not found in time. `position_label` is "12 of 124 ", or "" for a run far down the list.
    """

    list_url: str
    query: str
    description: str
    previous_id: str | None
    next_id: str | None
    position_label: str = ""
    timed_out: bool = False


def fetch_list_navigation(run: Run, run_list: RunListContext) -> ListNavigation:
    """Find the neighbours of `run`, which need not match the filters itself. Takes four queries of bounded time."""
    address = replace(run_list.address, path=run_list_path(run.project))
    matching = run_list.filters.apply(Run.objects.in_project(run.project))
    found = _RunNeighbours()
    timed_out = False
    if run_list.filters.q is None:  # Every filter but a query has an index.
        found = _find_neighbours(matching, run, address.order)
    else:
        try:
            with limit_query_time(MAX_NEIGHBOUR_QUERY_SECONDS):
                found = _find_neighbours(matching, run, address.order)
        except QueryTimeout:
            timed_out = True
    return ListNavigation(
        list_url=address.url(run_list.filters),
        query=encode_list_param(run_list.query),
        description=run_list.filters.describe(),
        previous_id=found.previous_id,
        next_id=found.next_id,
        position_label=found.position_label,
        timed_out=timed_out,
    )


@dataclass(frozen=True, slots=True)
class _RunNeighbours:
    previous_id: str | None = None
    next_id: str | None = None
    position_label: str = ""


def _find_neighbours(matching: RunQuerySet, run: Run, order: Order) -> _RunNeighbours:
    previous_id, next_id = matching.adjacent_ids(run, order)
    ids = matching.first_ids(order, MAX_NUMBERED_RUNS + 1)
    if run.pk not in ids[:MAX_NUMBERED_RUNS]:
        return _RunNeighbours(previous_id, next_id)
    total = f"{MAX_NUMBERED_RUNS:,}+" if len(ids) > MAX_NUMBERED_RUNS else f"{len(ids):,}"
    return _RunNeighbours(previous_id, next_id, f"{ids.index(run.pk) + 1:,} of {total} ")
