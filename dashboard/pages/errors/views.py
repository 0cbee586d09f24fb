"""The groups of runs that ended badly."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.errors import chart
from dashboard.pages.errors.params import Asked, Show, Sort
from dashboard.pages.errors.rows import Row, rows
from dashboard.ui import formats
from dashboard.web import htmx
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import project_page
from dashboard.web.timezone import zone_of
from runs.analytics import errors
from runs.analytics.errors import Counted, Groups, Parts
from runs.models import Assistant, ErrorGroup, Project

PAGE_SIZE = 50
_LABELS = {
    Show.OPEN: "Open",
    Show.NEW: "New today",
    Show.RESOLVED: "Resolved",
    Show.IGNORED: "Ignored",
    Show.ALL: "All",
}

_HEADS = {Sort.RUNS: "Runs", Sort.LAST: "Last seen", Sort.FIRST: "First seen"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A heading, how many groups stand under it, and where they are listed."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Head:
    """A heading of a column that the list can be sorted by."""

    label: str
    url: str
    current: bool


@dataclass
class Listing:
    """What the address asks for, found: all groups, those of the tab, and those of the page of it."""

    asked: Asked
    now: datetime
    page_size: int

    @cached_property
    def found(self) -> Groups:
        return errors.groups(self.asked.project, self.asked.filters, self.now)

    @cached_property
    def of_tab(self) -> list[Counted]:
        held = (each for each in self.found.groups if self.asked.show.holds(each, self.now))
        return self.asked.sort.sorted(held)

    @property
    def shown(self) -> list[Counted]:
        begin = (self.asked.page - 1) * self.page_size
        return self.of_tab[begin : begin + self.page_size]

    @cached_property
    def parts(self) -> Mapping[uuid.UUID | None, Parts]:
        drawn = self.found.groups[: chart.SHOWN]
        ids = {each.group.pk for each in (*self.shown, *drawn)}
        return errors.parts(self.asked.project, self.asked.filters, self.found.window, self.now, ids)

    @cached_property
    def rows(self) -> list[Row]:
        shown = self.shown
        few = {each for counted in shown for each in self.parts[counted.group.pk].assistants}
        names = Assistant.objects.names(self.asked.project, few)
        total = self.found.sums.runs
        return rows(self.asked, shown, self.parts, self.found.window, total, names, self.now)

    @property
    def tabs(self) -> list[Tab]:
        return [self._tab(show) for show in Show]

    @property
    def heads(self) -> dict[str, Head]:
        return {sort.value: self._head(sort, label) for sort, label in _HEADS.items()}

    @property
    def newer_url(self) -> str:
        return self._page(self.asked.page - 1) if self.asked.page > 1 else ""

    @property
    def older_url(self) -> str:
        more = len(self.of_tab) > self.asked.page * self.page_size
        return self._page(self.asked.page + 1) if more else ""

    @property
    def new_count(self) -> int:
        return sum(each.is_new(self.now) for each in self.found.groups)

    def _head(self, sort: Sort, label: str) -> Head:
        return Head(label, replace(self.asked, sort=sort, page=1).url, sort is self.asked.sort)

    def _page(self, number: int) -> str:
        return replace(self.asked, page=number).url

    def _tab(self, show: Show) -> Tab:
        count = sum(show.holds(each, self.now) for each in self.found.groups)
        return Tab(_LABELS[show], count, self.asked.with_show(show).url, show is self.asked.show)


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """`errors/`: the groups of the runs that match and ended badly within a time, of the last 14 days unless asked."""
    asked = Asked.of(request, project)
    now = timezone.now()
    listing = Listing(asked, now, PAGE_SIZE)
    found = listing.found
    runs, is_capped = errors.all_runs(project, asked.filters, found.window, now)
    context = {
        "project": project,
        "asked": asked,
        "listing": listing,
        "found": found,
        "all_runs": runs,
        "all_capped": is_capped,
        "share": "" if is_capped else formats.percent(found.sums.runs, runs),
        "runs_url": asked.runs(),
        "bad_url": asked.runs("group:*"),
        "largest": _largest(asked, found),
        "cost": "" if found.sums.cost is None else formats.cost(found.sums.cost),
        "all_url": asked.with_show(Show.ALL).url,
        "new_url": asked.with_show(Show.NEW).url,
        "from_value": asked.value(asked.filters.since, now),
        "to_value": asked.value(asked.filters.until, now),
        "most": errors.MOST_GROUPS,
    }
    if found.groups:
        zone = zone_of(request)
        context["chart"] = chart.of_groups(found, listing.parts, zone, "#error-range")
    else:
        context["is_blank"] = not ErrorGroup.objects.in_project(project).exists()
    return htmx.render_page(request, "error_groups/page.html", context)


def _largest(asked: Asked, found: Groups) -> dict[str, str]:
    """The share of the most frequent group, and what it is."""
    if not found.groups:
        return {}
    first = found.groups[0]
    return {
        "share": formats.percent(first.sums.runs, found.sums.runs),
        "label": chart.label(first.group),
        "url": asked.group_url(first.group),
    }
