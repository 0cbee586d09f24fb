"""URLs of the run list, and the parsing of its parameters other than filters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.ui import run_columns
from runs.analytics.measured_histogram import RunMeasure
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.errors import InvalidFilter, Problem
from runs.models import Project
from runs.query import RunFilters
from runs.query.order import parse_order

LIST_PARAMS = ("sort", "columns", "view", "chart")
ALL_RUNS = "all"  # the value of `view` that lists all runs although the project has a default view
_VIEW_PATTERN = re.compile(rf"{ALL_RUNS}|[1-9][0-9]{{0,17}}")


@dataclass(frozen=True, slots=True)
class RunListAddress:
    """The URL of a run list apart from its filters, which every method takes.

    Attributes:
        path: The path of the list.
        order: The sort order.
        columns: The visible columns as `run_columns.format_columns` writes them; "" for the user's own choice.
        view: The id of the saved view that is open.
        chart: What the chart shows; None for the numbers of runs.
        fallback_view: The value of `view` when no view is open; "" if the bare path already lists all runs.
    """

    path: str
    order: Order = NEWEST_FIRST
    columns: str = ""
    view: str = ""
    chart: RunMeasure | None = None
    fallback_view: str = ""

    def url(self, filters: RunFilters, cursor: object = None) -> str:
        """Return the URL of the list with `filters`, from `cursor` on if there is one."""
        query = self.query_string(filters, cursor)
        return f"{self.path}?{query}" if query else self.path

    def query_string(self, filters: RunFilters, cursor: object = None) -> str:
        """Return the query string of `url`."""
        return "&".join(filter(None, (filters.to_query_string(), urlencode(self.params(cursor)))))

    def params(self, cursor: object = None) -> list[tuple[str, str]]:
        """Return the query parameters other than filters. Defaults are left out."""
        sort = "" if self.order == NEWEST_FIRST else str(self.order)
        values = {
            "sort": sort,
            "columns": self.columns,
            "view": self.view or self.fallback_view,
            "chart": self.chart,
            "cursor": cursor,
        }
        return [(name, str(value)) for name, value in values.items() if value]


def run_list_path(project: Project) -> str:
    """Return the path of the run list of `project`."""
    return reverse("runs", kwargs={"project": project.slug})


def parse_run_list_address(path: str, query: Mapping[str, Sequence[str]]) -> RunListAddress:
    """Parse the parameters other than filters of the list at `path`.

    Args:
        path: The path of the list.
        query: The parsed query string: parameters and their values.

    Raises:
        InvalidFilter: A parameter has an invalid value.
    """
    values = {name: query[name][-1] for name in LIST_PARAMS if query.get(name)}
    order = parse_order(values["sort"]) if "sort" in values else NEWEST_FIRST
    columns = _normalize_columns(values["columns"]) if "columns" in values else ""
    view = values.get("view", "")
    if view and not _VIEW_PATTERN.fullmatch(view):
        message = f"expected the number of a saved view, or {ALL_RUNS}"
        raise InvalidFilter(f"view: {message}", [Problem("view", message)])
    return RunListAddress(
        path, order, columns, view, parse_chart_measure(values["chart"]) if "chart" in values else None
    )


def parse_chart_measure(text: str) -> RunMeasure:
    """Parse what the chart shows instead of the numbers of runs. Raises InvalidFilter."""
    if text not in list(RunMeasure):
        message = f"expected one of {', '.join(RunMeasure)}"
        raise InvalidFilter(f"chart: {message}", [Problem("chart", message)])
    return RunMeasure(text)


def _normalize_columns(text: str) -> str:
    return run_columns.format_columns(run_columns.parse_columns_param(text))


def parse_run_list(
    project: Project, query: Mapping[str, Sequence[str]], *, extra_params: Sequence[str] = ()
) -> tuple[RunListAddress, RunFilters]:
    """Parse the query string of the project's run list.

    Args:
        project: The project whose runs are listed.
        query: The parsed query string: parameters and their values.
        extra_params: Names of other parameters that the caller accepts and parses.

    Raises:
        InvalidFilter: A parameter is unknown or has an invalid value.
    """
    filters = RunFilters.parse_params(query, extra_params=(*LIST_PARAMS, *extra_params))
    return parse_run_list_address(run_list_path(project), query), filters


def parse_run_list_or_default(
    project: Project, query: Mapping[str, Sequence[str]]
) -> tuple[RunListAddress, RunFilters]:
    """Parse the query string of the project's run list. Return the list of all runs if it is invalid."""
    try:
        return parse_run_list(project, query, extra_params=("cursor",))
    except InvalidFilter:
        return RunListAddress(run_list_path(project)), RunFilters()


def run_list_url_or_default(project: Project, query: Mapping[str, Sequence[str]]) -> str:
    """Return the URL of the first page of a run list, or that of all runs if `query` is invalid."""
    address, filters = parse_run_list_or_default(project, query)
    return address.url(filters)
