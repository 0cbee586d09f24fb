"""Addresses of the run list: what they say beside the filters, and the way back from what was posted beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.urls import reverse

from dashboard.ui import run_columns
from dashboard.ui.filter_controls import RunListAddress
from runs.db.keyset_pagination import NEWEST_FIRST
from runs.errors import InvalidFilter, Problem
from runs.models import Project
from runs.query import RunFilters
from runs.query.order import parse_order

LIST_PARAMS = ("sort", "columns", "view")
ALL_RUNS = "all"  # what `view` says where the bare address leads to the project's default view
_VIEW = re.compile(rf"{ALL_RUNS}|[1-9][0-9]{{0,17}}")


def run_list_path(project: Project) -> str:
    """Where the list lives."""
    return reverse("runs", kwargs={"project": project.slug})


def parse_run_list_address(path: str, query: Mapping[str, Sequence[str]]) -> RunListAddress:
    """What `query`, a query string of the list at `path` taken apart, says beside its filters. Raises InvalidFilter."""
    given = {name: query[name][-1] for name in LIST_PARAMS if query.get(name)}
    order = parse_order(given["sort"]) if "sort" in given else NEWEST_FIRST
    shown = run_columns.format_columns(run_columns.parse_columns(given["columns"])) if "columns" in given else ""
    view = given.get("view", "")
    if view and not _VIEW.fullmatch(view):
        message = f"expected the number of a saved view, or {ALL_RUNS}"
        raise InvalidFilter(f"view: {message}", [Problem("view", message)])
    return RunListAddress(path, order, shown, view)


def parse_run_list(
    project: Project, query: Mapping[str, Sequence[str]], *, also: Sequence[str] = ()
) -> tuple[RunListAddress, RunFilters]:
    """What the list of that query string shows; `also` are parameters of the caller. Raises InvalidFilter."""
    filters = RunFilters.from_query(query, extra_params=(*LIST_PARAMS, *also))
    return parse_run_list_address(run_list_path(project), query), filters


def parse_run_list_or_default(
    project: Project, query: Mapping[str, Sequence[str]]
) -> tuple[RunListAddress, RunFilters]:
    """The same; the list of all runs where it can't be meant."""
    try:
        return parse_run_list(project, query, also=("cursor",))
    except InvalidFilter:
        return RunListAddress(run_list_path(project)), RunFilters()


def run_list_url_or_default(project: Project, query: Mapping[str, Sequence[str]]) -> str:
    """Where the list of that query string begins; all runs where it can't be meant."""
    address, filters = parse_run_list_or_default(project, query)
    return address.of(filters)
