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
from dashboard.pages.errors.params import ErrorGroupParams, ErrorGroupSort, ErrorGroupTab
from dashboard.pages.errors.rows import ErrorGroupRow, build_error_group_rows
from dashboard.ui import formats
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.timezone import get_request_timezone
from runs.analytics import errors
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupReport, ErrorGroupStats
from runs.models import Assistant, ErrorGroup, Project

PAGE_SIZE = 50
TAB_LABELS = {
    ErrorGroupTab.OPEN: "Open",
    ErrorGroupTab.NEW: "New today",
    ErrorGroupTab.RESOLVED: "Resolved",
    ErrorGroupTab.IGNORED: "Ignored",
    ErrorGroupTab.ALL: "All",
}

COLUMN_LABELS = {ErrorGroupSort.RUNS: "Runs", ErrorGroupSort.LAST: "Last seen", ErrorGroupSort.FIRST: "First seen"}


@dataclass(frozen=True, slots=True)
class ErrorGroupTabLink:
    """A heading, how many groups stand under it, and where they are listed."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class ErrorGroupSortHeader:
    """A heading of a column that the list can be sorted by."""

    label: str
    url: str
    current: bool


@dataclass
class ErrorGroupList:
    """What the address asks for, found: all groups, those of the tab, and those of the page of it."""

    asked: ErrorGroupParams
    now: datetime
    page_size: int

    @cached_property
    def found(self) -> ErrorGroupReport:
        return errors.fetch_error_groups(self.asked.project, self.asked.filters, self.now)

    @cached_property
    def of_tab(self) -> list[ErrorGroupStats]:
        held = (each for each in self.found.groups if self.asked.show.holds(each, self.now))
        return self.asked.sort.sorted(held)

    @property
    def shown(self) -> list[ErrorGroupStats]:
        begin = (self.asked.page - 1) * self.page_size
        return self.of_tab[begin : begin + self.page_size]

    @cached_property
    def parts(self) -> Mapping[uuid.UUID | None, ErrorGroupDistribution]:
        drawn = self.found.groups[: chart.MAX_CHART_SERIES]
        ids = {each.group.pk for each in (*self.shown, *drawn)}
        return errors.fetch_error_distributions(
            self.asked.project, self.asked.filters, self.found.time_range.buckets, self.now, ids
        )

    @cached_property
    def rows(self) -> list[ErrorGroupRow]:
        shown = self.shown
        few = {each for counted in shown for each in self.parts[counted.group.pk].assistants}
        names = Assistant.objects.names_by_id(self.asked.project, few)
        total = self.found.sums.runs
        return build_error_group_rows(self.asked, shown, self.parts, self.found.time_range, total, names, self.now)

    @property
    def tabs(self) -> list[ErrorGroupTabLink]:
        return [self._tab(show) for show in ErrorGroupTab]

    @property
    def heads(self) -> dict[str, ErrorGroupSortHeader]:
        return {sort.value: self._head(sort, label) for sort, label in COLUMN_LABELS.items()}

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

    def _head(self, sort: ErrorGroupSort, label: str) -> ErrorGroupSortHeader:
        return ErrorGroupSortHeader(label, replace(self.asked, sort=sort, page=1).url, sort is self.asked.sort)

    def _page(self, number: int) -> str:
        return replace(self.asked, page=number).url

    def _tab(self, show: ErrorGroupTab) -> ErrorGroupTabLink:
        count = sum(show.holds(each, self.now) for each in self.found.groups)
        return ErrorGroupTabLink(TAB_LABELS[show], count, self.asked.with_show(show).url, show is self.asked.show)


@require_safe
@viewer_required
@handle_invalid_params
def error_group_list(request: HttpRequest, project: Project) -> HttpResponse:
    """`errors/`: the groups of the runs that match and ended badly within a time, of the last 14 days unless asked."""
    asked = ErrorGroupParams.of(request, project)
    now = timezone.now()
    listing = ErrorGroupList(asked, now, PAGE_SIZE)
    found = listing.found
    runs, is_capped = errors.count_matching_runs(project, asked.filters, now)
    context = {
        "project": project,
        "asked": asked,
        "listing": listing,
        "found": found,
        "all_runs": runs,
        "all_capped": is_capped,
        "share": "" if is_capped else formats.format_percent(found.sums.runs, runs),
        "runs_url": asked.runs(),
        "bad_url": asked.runs("error_group:*"),
        "largest": _describe_largest_group(asked, found),
        "cost": "" if found.sums.cost is None else formats.format_cost(found.sums.cost),
        "all_url": asked.with_show(ErrorGroupTab.ALL).url,
        "new_url": asked.with_show(ErrorGroupTab.NEW).url,
        "from_value": asked.value(asked.filters.since, now),
        "to_value": asked.value(asked.filters.until, now),
        "most": errors.MAX_ERROR_GROUPS,
    }
    if found.groups:
        zone = get_request_timezone(request)
        context["chart"] = chart.build_error_groups_chart(found, listing.parts, zone, "#error-range")
    else:
        context["is_blank"] = not ErrorGroup.objects.in_project(project).exists()
    return htmx.render_page(request, "error_groups/page.html", context)


def _describe_largest_group(asked: ErrorGroupParams, found: ErrorGroupReport) -> dict[str, str]:
    """The share of the most frequent group, and what it is."""
    if not found.groups:
        return {}
    first = found.groups[0]
    return {
        "share": formats.format_percent(first.sums.runs, found.sums.runs),
        "label": chart.format_group_label(first.group),
        "url": asked.group_url(first.group),
    }
