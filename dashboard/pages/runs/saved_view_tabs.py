"""The saved views of a project: the tabs above the run list, and what each of them opens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from time import monotonic
from typing import Self
from urllib.parse import urlencode

from django.db import OperationalError, transaction
from django.urls import reverse

from dashboard.ui import run_columns, sort_headers
from dashboard.ui.filter_controls import RunListAddress
from dashboard.ui.run_list_address import ALL_RUNS, run_list_path
from runs.db import sql
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.errors import InvalidFilter
from runs.models import Project, Run, SavedView, User
from runs.query import RunFilters
from runs.query.order import parse_order

MAX_TABS = 60
# What one look at the list may cost for the numbers in its tabs.
MAX_COUNTED_VIEWS = 12
MAX_COUNT = 999
COUNT_TIMEOUT_MS = 200  # milliseconds, of one
TOTAL_COUNT_TIMEOUT_MS = 600  # of all of them


@dataclass(frozen=True, slots=True)
class RunListState:
    """What a view shows: which runs, in which order, in which columns ("" for those of whoever looks)."""

    filters: RunFilters
    order: Order = NEWEST_FIRST
    columns: str = ""


@dataclass(frozen=True)
class SavedViewTab:
    """A view as a tab: `content` is None, and `problem` says why, where it can't be understood any more."""

    view: SavedView
    path: str  # of the list
    content: RunListState | None
    problem: str = ""

    @classmethod
    def of(cls, view: SavedView, path: str) -> Self:
        """`view` of the list at `path`."""
        try:
            return cls(view, path, parse_saved_view(view))
        except InvalidFilter as error:
            return cls(view, path, None, error.message)

    @property
    def address(self) -> RunListAddress:
        """Where the list shows it, if it can."""
        order, shown = (self.content.order, self.content.columns) if self.content else (NEWEST_FIRST, "")
        return RunListAddress(self.path, order, shown, view=str(self.view.pk))

    @cached_property
    def url(self) -> str:
        """What it opens: the list, or what is wrong with it."""
        return self.permalink if self.content is None else self.address.of(self.content.filters)

    @property
    def order_words(self) -> str:
        """In which order it lists runs."""
        return sort_headers.describe_order(self.content.order) if self.content else ""

    @property
    def permalink(self) -> str:
        """The address that stays, whatever the view will ask for."""
        return reverse("saved-view", args=[self.view.project.slug, self.view.pk])


class SavedViewTabs:
    """The views that a person sees above the list of `filters` at `address`; one query."""

    def __init__(self, views: Iterable[SavedView], address: RunListAddress, filters: RunFilters) -> None:
        self.views = [SavedViewTab.of(view, address.path) for view in views]
        self.default = next((tab for tab in self.views if tab.view.is_default), None)
        self.address = replace(address, view=_number(address.view), plain=ALL_RUNS if self.default else "")
        self._shown = RunListState(_filters(filters.as_language()), address.order, address.columns)

    @classmethod
    def of(cls, project: Project, user: User, address: RunListAddress, filters: RunFilters) -> Self:
        """The tabs of `user`."""
        views = list(SavedView.objects.visible_to(user, project)[:MAX_TABS])
        for view in views:
            view.project = project
        return cls(views, address, filters)

    @property
    def all_url(self) -> str:
        """The list of all runs, newest first."""
        return RunListAddress(self.address.path, plain=self.address.plain).of(RunFilters())

    @property
    def counts_url(self) -> str:
        """Where their counts come from; another address whenever a view was changed, so that answers can be kept."""
        newest = max(tab.view.changed_at for tab in self.views)
        path = reverse("saved-view-counts", args=[self.views[0].view.project.slug])
        return f"{path}?{urlencode({'state': f'{len(self.views)}-{newest.timestamp():.0f}'})}"

    @cached_property
    def current(self) -> SavedViewTab | None:
        """The tab that was opened; without one, a tab that shows just this."""
        if self.address.view:
            return next((tab for tab in self.views if str(tab.view.pk) == self.address.view), None)
        return next((tab for tab in self.views if tab.content == self._shown), None)

    @property
    def current_id(self) -> str:
        """What tells the current tab apart: the number of its view, `all` for the list of all runs, or "" for none."""
        if self.current:
            return str(self.current.view.pk)
        return ALL_RUNS if self._shown == RunListState(RunFilters()) else ""

    @property
    def is_changed(self) -> bool:
        """Whether the list shows something else than the view that was opened."""
        return self.current is not None and self.current.content != self._shown


def parse_saved_view(view: SavedView) -> RunListState:
    """What `view` shows; columns that are no more are left out. Raises InvalidFilter."""
    shown = "" if view.columns is None else run_columns.format_columns(view.columns)
    return RunListState(_filters(view.query), parse_order(view.sort) if view.sort else NEWEST_FIRST, shown)


def find_removed_columns(view: SavedView) -> list[str]:
    """The columns of `view` that are no more."""
    known = {column.name for column in run_columns.RUN_COLUMNS}
    return [name for name in view.columns or () if name not in known]


@dataclass(frozen=True, slots=True)
class SavedViewCount:
    """How many runs a view finds, in words; "" where counting took too long."""

    view: SavedView
    words: str


def count_saved_views(project: Project, views: Iterable[SavedView]) -> list[SavedViewCount]:
    """The counts of the first of `views`; each gives up at a number and after a time, and so do all together."""
    tabs = (build_saved_view_tab(view, project) for view in views)
    readable = ((tab.view, tab.content.filters) for tab in tabs if tab.content is not None)
    end = monotonic() + TOTAL_COUNT_TIMEOUT_MS / 1000
    return [
        SavedViewCount(view, _counted(project, filters))
        for view, filters in islice(readable, MAX_COUNTED_VIEWS)
        if monotonic() < end
    ]


def _counted(project: Project, filters: RunFilters) -> str:
    try:
        with transaction.atomic(), sql.statement_timeout(COUNT_TIMEOUT_MS):
            found = filters.apply(Run.objects.in_project(project)).count_at_most(MAX_COUNT)
    except OperationalError as error:
        if not sql.is_statement_timeout(error):
            raise
        return ""
    return f"{MAX_COUNT}+" if found > MAX_COUNT else str(found)


# Every list page reads all its tabs; what they ask changes rarely.
@lru_cache(maxsize=1024)
def _filters(text: str) -> RunFilters:
    return RunFilters.from_language(text)


def _number(view: str) -> str:
    return "" if view == ALL_RUNS else view


def build_saved_view_tab(view: SavedView, project: Project) -> SavedViewTab:
    """`view` of `project`, apart from the others."""
    view.project = project
    return SavedViewTab.of(view, run_list_path(project))
