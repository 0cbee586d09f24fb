"""The controls around the run list: tokens, time range, status chips and facets, as templates need them.

Pure functions from a filter state and counts to values; every control leads to an address of the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from dashboard.ui import formats
from dashboard.ui.run_rows import NO_NAMES
from runs.analytics.overview import RunFacet
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Run
from runs.query import RunFilters, TimeExpression
from runs.query.fields import CHOICE_PARAMS

STATUS_ORDER = (  # what needs a person comes first
    Run.Status.FAILED,
    Run.Status.INCOMPLETE,
    Run.Status.EXPIRED,
    Run.Status.REQUIRES_ACTION,
    Run.Status.IN_PROGRESS,
    Run.Status.QUEUED,
    Run.Status.CANCELLING,
    Run.Status.CANCELLED,
    Run.Status.COMPLETED,
)
_RANKS = {status.value: place for place, status in enumerate(STATUS_ORDER)}
FACET_FIELDS = ("model", "assistant", "error")
TIME_RANGES = (
    ("-1h", "Last hour"),
    ("-24h", "Last 24 hours"),
    ("-7d", "Last 7 days"),
    ("-30d", "Last 30 days"),
    ("", "All time"),
)
VISIBLE_OPTIONS = 6
MAX_COLLAPSED_OPTIONS = 50


@dataclass(frozen=True, slots=True)
class RunListAddress:
    """Where the list lives; knows the address of each state of it, all in one order."""

    path: str
    order: Order = NEWEST_FIRST
    columns: str = ""  # which ones are shown, as `dashboard.ui.run_columns` writes them; "" for those of whoever looks
    view: str = ""  # the saved view that was opened
    plain: str = ""  # what `view` says where none was: something, where the bare address opens the project's default

    def of(self, filters: RunFilters, cursor: object = None) -> str:
        """The address of the list in that state, from `cursor` on where one is given."""
        query = self.query(filters, cursor)
        return f"{self.path}?{query}" if query else self.path

    def query(self, filters: RunFilters, cursor: object = None) -> str:
        """The query string of that address."""
        return "&".join(filter(None, (filters.query(), urlencode(self.kept(cursor)))))

    def kept(self, cursor: object = None) -> list[tuple[str, str]]:
        """The parameters beside those of the filters; what is usual is left out."""
        sort = "" if self.order == NEWEST_FIRST else str(self.order)
        beside = (("sort", sort), ("columns", self.columns), ("view", self.view or self.plain), ("cursor", cursor))
        return [(name, str(value)) for name, value in beside if value]


@dataclass(frozen=True, slots=True)
class FilterToken:
    """One value that is filtered by, and the address of the list without it; `shown` where it goes by a name."""

    name: str
    value: str
    url: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class TimeRangeOption:
    """An entry of the time range menu."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class FacetOption:
    """A value of a field that can be ticked; `width` is its proportion of the most frequent one.

    `shown` stands in place of an assistant's id: its name, or the id shortened.
    """

    value: str
    count: int
    chosen: bool
    width: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class FacetOptions:
    """The values of a field: `shown` at once, the `rest` behind a click, and how many are not listed.

    `newest` is of how many of the newest matches, 0 where it is of all.
    """

    name: str
    label: str
    shown: list[FacetOption]
    rest: list[FacetOption]
    unlisted: int
    newest: int = 0


class FilterControls:
    """All controls for one state of the list, in the words of the query string."""

    forms = ("columns", "bulk", "removal-form", "save-view-form")  # those beside the list, which lead back to it

    def __init__(
        self,
        filters: RunFilters,
        facets: Mapping[str, RunFacet],
        address: RunListAddress,
        now: datetime,
        names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        """`names`: those of assistants, by id."""
        self.filters = filters
        self.address = address
        self.statuses = build_status_options(facets["status"], filters)
        self.facets = [build_facet_options(facets[name], filters, names) for name in FACET_FIELDS]
        self._names = names
        self._now = now

    @property
    def clear_url(self) -> str:
        return replace(self.address, view="", columns="").of(RunFilters())

    @property
    def query(self) -> str:
        """The query string of the list, for the forms beside it."""
        return self.address.query(self.filters)

    @property
    def query_text(self) -> str:
        """What stands in the query field."""
        return str(self.filters.q or "")

    @property
    def tokens(self) -> list[FilterToken]:
        """What is filtered by, but for the time range, which the menu shows."""
        return list(self._tokens())

    def _tokens(self) -> Iterator[FilterToken]:
        for field in CHOICE_PARAMS:
            for value in getattr(self.filters, field.name):
                url = self.address.of(self.filters.toggle(field.name, value))
                shown = self._names.get(value, "") if field.name == "assistant" else ""
                yield FilterToken(field.name, value, url, shown)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters that neither a checkbox nor the query field carries, for their form to keep."""
        carried = ("status", *FACET_FIELDS, "q")
        filtered = [(name, value) for name, value in self.filters.pairs() if name not in carried]
        return filtered + self.address.kept()

    @property
    def timeless(self) -> list[tuple[str, str]]:
        """The parameters other than times, for the form of times to keep."""
        return replace(self.filters, since=None, until=None).pairs() + self.address.kept()

    @property
    def ranges(self) -> list[TimeRangeOption]:
        return [self._range(text, label) for text, label in TIME_RANGES]

    def _range(self, text: str, label: str) -> TimeRangeOption:
        """The entry that asks for what was created since `text`."""
        state = replace(self.filters, since=TimeExpression.parse(text) if text else None, until=None)
        return TimeRangeOption(label, self.address.of(state), current=state == self.filters)

    @property
    def range_label(self) -> str:
        """What the closed menu says: the entry that holds, or the times that were asked for."""
        entry = next((each.label for each in self.ranges if each.current), "")
        if entry:
            return entry
        since, until = self.filters.since, self.filters.until
        parts = [f"since {since.describe()}" if since else "", f"before {until.describe()}" if until else ""]
        return " ".join(filter(None, parts)).capitalize().replace("utc", "UTC")

    @property
    def from_value(self) -> str:
        return self._field_value(self.filters.since)

    @property
    def to_value(self) -> str:
        return self._field_value(self.filters.until)

    def _field_value(self, moment: TimeExpression | None) -> str:
        """A moment as the value of a datetime-local field, in UTC."""
        return f"{moment.resolve(self._now):%Y-%m-%dT%H:%M:%S}" if moment else ""


def build_status_options(facet: RunFacet, filters: RunFilters) -> list[FacetOption]:
    """The status chips: those that occur or are chosen, known ones in a fixed order before all others."""
    return sorted(_choices(facet, filters.status), key=lambda choice: status_rank(choice.value))


def status_rank(status: str) -> tuple[int, str]:
    """Its place among chips and within bars, where unknown ones come last."""
    return _RANKS.get(status, len(_RANKS)), status


def build_facet_options(facet: RunFacet, filters: RunFilters, names: Mapping[str, str] = NO_NAMES) -> FacetOptions:
    """A facet's values: the chosen and the most frequent at once, more behind a click, the rarest counted."""
    found = _choices(facet, getattr(filters, facet.field.name))
    if facet.field.name == "assistant":
        found = [replace(each, shown=names.get(each.value) or formats.shorten_id(each.value)) for each in found]
    shown = [choice for place, choice in enumerate(found) if choice.chosen or place < VISIBLE_OPTIONS]
    rest = [choice for place, choice in enumerate(found) if not choice.chosen and place >= VISIBLE_OPTIONS]
    unlisted = max(0, len(rest) - MAX_COLLAPSED_OPTIONS)
    newest = facet.sample_size if facet.is_capped else 0
    return FacetOptions(facet.field.name, facet.field.label, shown, rest[:MAX_COLLAPSED_OPTIONS], unlisted, newest)


def _choices(facet: RunFacet, chosen: tuple[str, ...]) -> list[FacetOption]:
    """All values that occur, most frequent first, then the chosen ones that don't."""
    counts = dict(facet.counts)
    most = facet.max_count or 1
    values = [*counts, *(value for value in chosen if value not in counts)]
    return [
        FacetOption(value, count := counts.get(value, 0), value in chosen, f"{100 * count / most:.0f}%")
        for value in values
    ]
