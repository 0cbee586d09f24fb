"""The list that a run was opened from: its neighbours there, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qs

from django.db import OperationalError, transaction

from dashboard.ui.run_list_address import LIST_PARAMS, RunListAddress, parse_run_list_address, run_list_path
from dashboard.ui.run_rows import encode_list_param
from runs.db import sql
from runs.errors import InvalidFilter, Problem
from runs.models import Project, Run
from runs.query import RunFilters

# A query whose matches lie far away would make opening a run as slow as searching.
MAX_NEIGHBOUR_QUERY_MS = 200  # milliseconds


@dataclass(frozen=True, slots=True)
class RunListContext:
    """Which runs a list holds, in which order, and what else its address says."""

    filters: RunFilters
    address: RunListAddress  # without its path

    @property
    def query(self) -> str:
        """The query string of the list."""
        return self.address.query_string(self.filters)

    @classmethod
    def parse(cls, query: str) -> Self:
        """Read the query string of a list. Raises InvalidFilter, whose problems name `list`."""
        given = parse_qs(query, keep_blank_values=True)
        try:
            filters = RunFilters.from_query(given, extra_params=LIST_PARAMS)
            address = parse_run_list_address("", given)
        except InvalidFilter as error:
            problems = [Problem("list", f"{each.path}: {each.message}") for each in error.problems]
            raise InvalidFilter(f"list: {error.message}", problems) from error
        return cls(filters, address)


@dataclass(frozen=True, slots=True)
class ListNavigation:
    """A run among those of a list. `is_known` is false where finding its neighbours took too long."""

    url: str  # of the list
    beside: str  # what follows the address of a run in it
    words: str
    previous: str | None
    next: str | None
    is_known: bool = True


def fetch_list_navigation(project: Project, run: Run, shown: RunListContext) -> ListNavigation:
    """`run` in the list `shown`; two bounded queries."""
    address = replace(shown.address, path=run_list_path(project))
    neighbours = _neighbours(project, run, shown)
    return ListNavigation(
        address.url(shown.filters),
        encode_list_param(shown.query),
        shown.filters.describe(),
        *(neighbours or (None, None)),
        is_known=neighbours is not None,
    )


def _neighbours(project: Project, run: Run, shown: RunListContext) -> tuple[str | None, str | None] | None:
    matching = shown.filters.apply(Run.objects.in_project(project))
    if shown.filters.q is None:  # whatever else is filtered by has an index of its own
        return matching.adjacent_ids(run, shown.address.order)
    try:
        with transaction.atomic(), sql.statement_timeout(MAX_NEIGHBOUR_QUERY_MS):
            return matching.adjacent_ids(run, shown.address.order)
    except OperationalError as error:
        if not sql.is_statement_timeout(error):
            raise
        return None
