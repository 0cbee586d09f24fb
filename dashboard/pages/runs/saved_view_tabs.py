"""The tabs of saved views above the run list, and the number of runs that each of them finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from time import monotonic
from typing import Self
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.ui import run_columns, sort_headers
from dashboard.ui.run_columns import parse_stored_columns
from dashboard.ui.run_list_address import ALL_RUNS, RunListAddress, parse_chart_measure, run_list_path
from runs.analytics.measured_histogram import RunMeasure
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.db.query_time_limit import limit_query_time
from runs.errors import InvalidFilter, QueryTimeout
from runs.models import Project, Run, SavedView, User
from runs.query import RunFilters
from runs.query.order import parse_order

MAX_TABS = 60
# Limits of counting the runs of tabs, which happens each time a list is opened.
MAX_COUNTED_VIEWS = 12
MAX_COUNT = 999
COUNT_TIMEOUT_SECONDS = 0.2  # for one view
TOTAL_COUNT_TIMEOUT_SECONDS = 0.6  # for all views


@dataclass(frozen=True, slots=True)
class RunListState:
    """The filters, order, columns and chart of a run list. `columns` is "" for the user's own selection."""

    filters: RunFilters
    order: Order = NEWEST_FIRST
    columns: str = ""
    chart: RunMeasure | None = None


@dataclass(frozen=True)
class SavedViewTab:
    """A saved view with its links.

    Attributes:
        view: The saved view.
        path: The path of the run list.
        state: The list that the view shows; None if its query is no longer valid.
        problem: The reason why the query is invalid; "" if it is valid.
    """

    view: SavedView
    path: str
    state: RunListState | None
    problem: str = ""

    @classmethod
    def build(cls, view: SavedView, project: Project) -> Self:
        """Build the tab of a view of `project`."""
        view.project = project
        path = run_list_path(project)
        try:
            return cls(view, path, parse_saved_view(view))
        except InvalidFilter as error:
            return cls(view, path, None, error.message)

    @cached_property
    def url(self) -> str:
        """The URL of the list, or of the page that explains the problem."""
        if self.state is None:
            return self.permalink
        state = self.state
        return RunListAddress(self.path, state.order, state.columns, str(self.view.pk), state.chart).url(state.filters)

    @property
    def permalink(self) -> str:
        """The URL that stays the same when the query of the view changes."""
        return reverse("saved-view", args=[self.view.project.slug, self.view.pk])

    @property
    def order_label(self) -> str:
        """The sort order in words."""
        return sort_headers.describe_order(self.state.order) if self.state else ""


class SavedViewTabs:
    """The tabs that a user sees above a run list.

    Attributes:
        tabs: The tabs.
        default: The tab that the bare list opens; None if the project has no default view.
        address: The address of the list, which keeps the open view in its links.
    """

    def __init__(self, tabs: list[SavedViewTab], address: RunListAddress, filters: RunFilters) -> None:
        self.tabs = tabs
        self.default = next((tab for tab in tabs if tab.view.is_default), None)
        self.address = replace(
            address,
            view="" if address.view == ALL_RUNS else address.view,
            fallback_view=ALL_RUNS if self.default else "",
        )
        # Saved queries are parsed from text, so the current one has to be, too, to compare equal.
        parsed = _parse_filters(filters.to_query_text())
        self._state = RunListState(parsed, address.order, address.columns, address.chart)

    @classmethod
    def fetch(cls, project: Project, user: User, address: RunListAddress, filters: RunFilters) -> Self:
        """Fetch the tabs of `user` with one query."""
        views = SavedView.objects.visible_to(user, project)[:MAX_TABS]
        return cls([SavedViewTab.build(view, project) for view in views], address, filters)

    @property
    def all_runs_url(self) -> str:
        """The URL of the list of all runs, newest first."""
        return RunListAddress(self.address.path, fallback_view=self.address.fallback_view).url(RunFilters())

    @property
    def counts_url(self) -> str:
        """The URL of the counts. It changes with the views, so that browsers can cache the response."""
        changed_at = max(tab.view.changed_at for tab in self.tabs)
        path = reverse("saved-view-counts", args=[self.tabs[0].view.project.slug])
        return f"{path}?{urlencode({'state': f'{len(self.tabs)}-{changed_at.timestamp():.0f}'})}"

    @cached_property
    def current(self) -> SavedViewTab | None:
        """The open tab, or else a tab that shows the same list."""
        if self.address.view:
            return next((tab for tab in self.tabs if str(tab.view.pk) == self.address.view), None)
        return next((tab for tab in self.tabs if tab.state == self._state), None)

    @property
    def current_id(self) -> str:
        """The id of the current view, `all` for the list of all runs, or "" for none."""
        if self.current:
            return str(self.current.view.pk)
        return ALL_RUNS if self._state == RunListState(RunFilters()) else ""

    @property
    def is_changed(self) -> bool:
        """Return whether the list differs from the open view."""
        return self.current is not None and self.current.state != self._state


def parse_saved_view(view: SavedView) -> RunListState:
    """Parse the query, order, columns and chart of `view`. Columns that no longer exist are left out.

    Raises:
        InvalidFilter: The query, the order or the chart is no longer valid.
    """
    columns = "" if view.columns is None else run_columns.format_columns(parse_stored_columns(view.columns))
    order = parse_order(view.sort) if view.sort else NEWEST_FIRST
    chart = parse_chart_measure(view.chart) if view.chart else None
    return RunListState(_parse_filters(view.query), order, columns, chart)


def find_removed_columns(view: SavedView) -> list[str]:
    """Return the columns of `view` that no longer exist."""
    return [text for text in view.columns or () if not parse_stored_columns([text])]


@dataclass(frozen=True, slots=True)
class SavedViewCount:
    """The number of runs that a view finds, such as "12" or "999+"; "" if counting took too long."""

    view: SavedView
    text: str


def count_saved_views(project: Project, views: Iterable[SavedView]) -> list[SavedViewCount]:
    """Count the runs of the first `views` with a valid query, until the total timeout is reached."""
    tabs = (SavedViewTab.build(view, project) for view in views)
    valid = ((tab.view, tab.state.filters) for tab in tabs if tab.state is not None)
    deadline = monotonic() + TOTAL_COUNT_TIMEOUT_SECONDS
    return [
        SavedViewCount(view, _count_runs(project, filters))
        for view, filters in islice(valid, MAX_COUNTED_VIEWS)
        if monotonic() < deadline
    ]


def _count_runs(project: Project, filters: RunFilters) -> str:
    try:
        with limit_query_time(COUNT_TIMEOUT_SECONDS):
            count = filters.apply(Run.objects.in_project(project)).count_at_most(MAX_COUNT)
    except QueryTimeout:
        return ""
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


# Every list page parses the queries of all tabs, and they rarely change.
@lru_cache(maxsize=1024)
def _parse_filters(text: str) -> RunFilters:
    return RunFilters.parse_query_text(text)
