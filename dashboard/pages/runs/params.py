"""The parameters of the run list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Self
from urllib.parse import parse_qs, urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from dashboard.ui import run_columns
from dashboard.ui.run_columns import ShownColumn
from dashboard.ui.run_list_address import RunListAddress, parse_run_list, parse_run_list_or_default
from runs.db.keyset_pagination import Cursor, Order
from runs.models import Project, User
from runs.query import RunFilters
from runs.query.order import parse_cursor
from runs.query.planner import QueryPlan


@dataclass(frozen=True)
class RunListParams:
    """Contents, order and columns of the list, and the user who sees it.

    Attributes:
        project: The project whose runs are listed.
        user: The user who views the list.
        filters: The filters of the list.
        address: The URL of the list without its filters; it includes the order and the columns.
        cursor: The start of the page; None for the first page.
        now: The time that relative times refer to.
    """

    project: Project
    user: User
    filters: RunFilters
    address: RunListAddress
    cursor: Cursor | None
    now: datetime

    @classmethod
    def parse(
        cls, project: Project, user: User, query: Mapping[str, Sequence[str]], *, extra_params: Sequence[str] = ()
    ) -> Self:
        """Parse a query string. `extra_params` names other parameters to accept; only `cursor` is read.

        Raises:
            InvalidFilter: A parameter is unknown or has an invalid value.
        """
        address, filters = parse_run_list(project, query, extra_params=extra_params)
        cursors = query.get("cursor")
        cursor = parse_cursor(cursors[-1], address.order) if cursors else None
        return cls(project, user, filters, address, cursor, timezone.now())

    @classmethod
    def from_form(cls, project: Project, user: User, form: QueryDict) -> Self:
        """Parse the field `query` of a form of the page. Use the list of all runs if it is invalid."""
        address, filters = parse_run_list_or_default(project, parse_qs(form.get("query", "")))
        return cls(project, user, filters, address, None, timezone.now())

    @property
    def order(self) -> Order:
        """The sort order of the list."""
        return self.address.order

    @property
    def url(self) -> str:
        """The URL of the first page of the list."""
        return self.address.url(self.filters)

    @property
    def query_string(self) -> str:
        """The query string of the first page of the list."""
        return self.address.query_string(self.filters)

    @cached_property
    def columns(self) -> tuple[ShownColumn, ...]:
        """The visible columns, in their order."""
        return run_columns.visible_columns(self.user, self.project, self.address.columns)

    @cached_property
    def plan(self) -> QueryPlan:
        """The plan of the query. Building it looks up names and configurations in the database."""
        return self.filters.plan(self.project, self.now)

    def url_in_order(self, order: Order) -> str:
        """Return the URL of the list in another order."""
        return replace(self.address, order=order).url(self.filters)

    def url_of_page(self, url_name: str, **extra: str) -> str:
        """Return the URL of a page of the project that takes the parameters of the list, and `extra` ones."""
        path = reverse(url_name, kwargs={"project": self.project.slug})
        query = "&".join(filter(None, (self.query_string, urlencode(extra))))
        return f"{path}?{query}" if query else path
