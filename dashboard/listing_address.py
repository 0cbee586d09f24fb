"""The way back to the run list from what was posted beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.urls import reverse

from dashboard.filter_bar import Address
from runs.errors import InvalidFilter
from runs.filters import Order, RunFilters
from runs.filters.order import NEWEST_FIRST
from runs.models import Project


def list_address(project: Project, query: Mapping[str, Sequence[str]]) -> str:
    """Where the list of `query`, a query string of it taken apart, begins; all runs where it can't be meant."""
    address, filters = list_state(project, query)
    return address.of(filters)


def list_state(project: Project, query: Mapping[str, Sequence[str]]) -> tuple[Address, RunFilters]:
    """What that list shows; the list of all runs where it can't be meant."""
    address = Address(reverse("runs", kwargs={"project": project.slug}))
    try:
        filters = RunFilters.from_query(query, also=("sort", "cursor"))
        order = Order.parse(query["sort"][-1]) if "sort" in query else NEWEST_FIRST
    except InvalidFilter:
        return address, RunFilters()
    return Address(address.path, order), filters
