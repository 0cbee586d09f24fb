"""What an address of the error pages asks for, and the addresses that lead on from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from dashboard.ui.filter_controls import TimeRangeOption
from dashboard.web import query_params
from runs.analytics.errors import ErrorGroupStats
from runs.errors import Problem
from runs.models import ErrorGroup, Project
from runs.query import RunFilters, TimeExpression

Choice = TypeVar("Choice", bound=StrEnum)
DEFAULT_SINCE = TimeExpression("-14d")
TIME_RANGES = (("-24h", "24 h"), ("-14d", "14 d"), ("-90d", "90 d"))
ID_PREFIX_DIGITS = 12  # of a group's id, in a query: as good as all of them, and short enough to be read


class ErrorGroupTab(StrEnum):
    """Which groups are listed."""

    OPEN = "open"
    NEW = "new"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    ALL = "all"

    def holds(self, counted: ErrorGroupStats, now: datetime) -> bool:
        """Whether a group stands under that heading."""
        match self:
            case ErrorGroupTab.OPEN:
                return counted.is_open
            case ErrorGroupTab.NEW:
                return counted.is_new(now)
            case ErrorGroupTab.RESOLVED:
                return counted.group.state == ErrorGroup.State.RESOLVED and not counted.has_regressed
            case ErrorGroupTab.IGNORED:
                return counted.group.state == ErrorGroup.State.IGNORED
        return True


class ErrorGroupSort(StrEnum):
    """What the list begins with the most of."""

    RUNS = "runs"
    LAST = "last"
    FIRST = "first"

    def sorted(self, groups: Iterable[ErrorGroupStats]) -> list[ErrorGroupStats]:
        """The groups in that order; they come with the most frequent first, which settles equal ones."""
        match self:
            case ErrorGroupSort.LAST:
                return sorted(groups, key=lambda each: each.last_seen, reverse=True)
            case ErrorGroupSort.FIRST:
                return sorted(groups, key=lambda each: each.first_seen, reverse=True)
        return list(groups)


@dataclass(frozen=True, slots=True)
class ErrorGroupParams:
    """Which runs, within which time, and of their groups which, from which page of the list on."""

    project: Project
    filters: RunFilters
    show: ErrorGroupTab = ErrorGroupTab.OPEN
    sort: ErrorGroupSort = ErrorGroupSort.RUNS
    page: int = 1
    group: ErrorGroup | None = None

    @classmethod
    def of(cls, request: HttpRequest, project: Project) -> ErrorGroupParams:
        """What the list's address asks for. Raises InvalidFilter."""
        filters = RunFilters.parse_params(dict(request.GET.lists()), extra_params=("show", "sort", "page"))
        show, sort = _one_of(request, "show", ErrorGroupTab), _one_of(request, "sort", ErrorGroupSort)
        return cls(
            project,
            _apply_default_range(filters),
            show or ErrorGroupTab.OPEN,
            sort or ErrorGroupSort.RUNS,
            _page(request),
        )

    @classmethod
    def of_group(cls, request: HttpRequest, project: Project, group: ErrorGroup) -> ErrorGroupParams:
        """What a group's address asks for. Raises InvalidFilter."""
        return cls(project, _apply_default_range(RunFilters.parse_params(dict(request.GET.lists()))), group=group)

    @property
    def path(self) -> str:
        name = "errors" if self.group is None else "error-group"
        return reverse(name, kwargs=self._names)

    @property
    def url(self) -> str:
        """The address of the same."""
        return self.path + self.query

    @property
    def query(self) -> str:
        """Its query string; what is usual is left out."""
        shown = {"show": self.show, "sort": self.sort, "page": self.page}
        usual = {"show": ErrorGroupTab.OPEN, "sort": ErrorGroupSort.RUNS, "page": 1}
        own = urlencode({name: value for name, value in shown.items() if value != usual[name]})
        return _join_queries(self._untimed.to_query_string(), own)

    @property
    def list_url(self) -> str:
        """The list of the groups of the same runs."""
        return reverse("errors", kwargs={"project": self.project.slug}) + _join_queries(self._untimed.to_query_string())

    @property
    def typed(self) -> str:
        return str(self.filters.q or "")

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but a time is asked for."""
        return bool(set(self.filters.active_names) - {"since", "until"})

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters beside the query, for its form to keep."""
        return [*(pair for pair in self._untimed.to_params() if pair[0] != "q"), *self._shown()]

    @property
    def timeless(self) -> list[tuple[str, str]]:
        """The parameters beside the time, for its form to keep."""
        return [*replace(self.filters, since=None, until=None).to_params(), *self._shown()]

    @property
    def ranges(self) -> list[TimeRangeOption]:
        """The times that are offered."""
        return [self._range(text, label) for text, label in TIME_RANGES]

    @property
    def is_usual_range(self) -> bool:
        """Whether one of the offered times holds."""
        return any(each.is_current for each in self.ranges)

    @property
    def span(self) -> str:
        """The time in words: `the last 14 days`, `since 2026-11-01 00:00:00 UTC`."""
        since, until = self.filters.since, self.filters.until
        if since and not until and since.text.startswith("-"):
            return f"the last {since.describe().removesuffix(' ago')}"
        parts = [f"since {since.describe()}" if since else "", f"before {until.describe()}" if until else ""]
        return " and ".join(filter(None, parts))

    def value(self, moment: TimeExpression | None, now: datetime) -> str:
        """A moment as the value of a datetime-local field, in UTC."""
        return f"{moment.resolve(now):%Y-%m-%dT%H:%M:%S}" if moment else ""

    def runs(self, text: str = "", **changes: object) -> str:
        """The run list of the runs that match, of which `text` is asked too, in the query language."""
        filters = replace(self.filters, **changes)  # type: ignore[arg-type]
        filters = filters.narrow(text) if text else filters
        return f"{reverse('runs', kwargs={'project': self.project.slug})}?{filters.to_query_string()}"

    def group_url(self, group: ErrorGroup) -> str:
        """The page of a group, for the same time and runs."""
        kwargs = {"project": self.project.slug, "group": group.pk}
        return reverse("error-group", kwargs=kwargs) + _join_queries(self._untimed.to_query_string())

    def with_show(self, show: ErrorGroupTab) -> ErrorGroupParams:
        return replace(self, show=show, page=1)

    def _range(self, text: str, label: str) -> TimeRangeOption:
        state = replace(self, filters=replace(self.filters, since=TimeExpression(text), until=None), page=1)
        return TimeRangeOption(label, state.url, is_current=state.filters == self.filters)

    def _shown(self) -> list[tuple[str, str]]:
        shown = [("show", str(self.show))] if self.show is not ErrorGroupTab.OPEN else []
        return [*shown, ("sort", str(self.sort))] if self.sort is not ErrorGroupSort.RUNS else shown

    @property
    def _names(self) -> dict[str, object]:
        names: dict[str, object] = {"project": self.project.slug}
        return names if self.group is None else names | {"group": self.group.pk}

    @property
    def _untimed(self) -> RunFilters:
        """The filters as an address has them, in which the usual time goes without saying."""
        is_usual = self.filters.since == DEFAULT_SINCE and self.filters.until is None
        return replace(self.filters, since=None) if is_usual else self.filters


def build_group_term(group: ErrorGroup) -> str:
    """How the query language asks for the runs of a group."""
    return f"error_group:{group.pk.hex[:ID_PREFIX_DIGITS]}"


def _apply_default_range(filters: RunFilters) -> RunFilters:
    return filters if filters.since or filters.until else replace(filters, since=DEFAULT_SINCE)


def _join_queries(*queries: str) -> str:
    whole = "&".join(filter(None, queries))
    return f"?{whole}" if whole else ""


def _one_of(request: HttpRequest, name: str, kind: type[Choice]) -> Choice | None:
    value = query_params.read_query_param(request, name)
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError as error:
        raise query_params.build_params_error(Problem(name, f"known are {', '.join(kind)}")) from error


def _page(request: HttpRequest) -> int:
    text = query_params.read_query_param(request, "page")
    if text is None:
        return 1
    if not text.isdecimal() or not 0 < len(text) < 7 or int(text) < 1:
        raise query_params.build_params_error(Problem("page", "expected a number from 1 on"))
    return int(text)
