"""The controls around the run list: filter tokens, time range menu, status chips and facets.

Everything here is computed from the filters and from counts, without queries. Each control links to a run list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.ui import formats
from dashboard.ui.filter_controls import (
    TimeRangeOption,
    build_time_range_options,
    format_time_range_label,
    status_rank,
)
from dashboard.ui.run_list_address import RunListAddress
from dashboard.ui.run_rows import NO_NAMES
from dashboard.ui.time_ranges import format_time_field
from dashboard.web.query_control import QueryControl
from runs.analytics.run_overview import RunFacet
from runs.query import RunFilters, TimeExpression

FACET_FIELDS = ("model", "assistant", "error")
VISIBLE_OPTIONS = 6
MAX_COLLAPSED_OPTIONS = 50


@dataclass(frozen=True, slots=True)
class FacetOption:
    """A value of a field that can be checked to filter by it.

    Attributes:
        value: The value, as in the query string.
        count: The number of matching runs with this value.
        is_selected: Whether the list is filtered by it.
        bar_width: The count in percent of the most frequent value.
        label: The text that replaces the value, for assistants: their name or shortened id; "" for none.
    """

    value: str
    count: int
    is_selected: bool
    bar_width: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class FacetOptions:
    """The values of a field, divided into those that are visible and those behind a disclosure.

    Attributes:
        name: The query parameter of the field.
        label: The heading of the facet.
        visible: The selected and the most frequent values.
        collapsed: Less frequent values.
        unlisted_count: The number of values that are left out.
        sample_size: The number of newest matching runs that were counted; 0 if all were.
    """

    name: str
    label: str
    visible: list[FacetOption]
    collapsed: list[FacetOption]
    unlisted_count: int
    sample_size: int = 0


class FilterControls:
    """All filter controls of a run list.

    Args:
        filters: The filters of the list.
        facets: Value counts by field: `status` and each of `FACET_FIELDS`.
        address: The address of the list.
        now: The time that relative times refer to.
        assistant_names: Names of assistants by id.
    """

    # Ids of the forms outside of the list that post its query string.
    form_ids = ("columns", "bulk", "deletion-form", "save-view-form")

    def __init__(
        self,
        filters: RunFilters,
        facets: Mapping[str, RunFacet],
        address: RunListAddress,
        now: datetime,
        assistant_names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        self.filters = filters
        self.address = address
        self.statuses = build_status_options(facets["status"], filters)
        self.facets = [build_facet_options(facets[name], filters, assistant_names) for name in FACET_FIELDS]
        self._now = now

    @property
    def query_string(self) -> str:
        """The query string of the list."""
        return self.address.query_string(self.filters)

    @property
    def time_form_params(self) -> list[tuple[str, str]]:
        """The hidden parameters of the form of custom times: all except the times."""
        return replace(self.filters, since=None, until=None).to_params() + self.address.params()

    @property
    def time_ranges(self) -> list[TimeRangeOption]:
        """The entries of the time range menu."""
        return build_time_range_options(self.filters, self.address.url)

    @property
    def time_range_label(self) -> str:
        """The label of the closed time range menu: the current entry, or the custom times."""
        return format_time_range_label(self.time_ranges, self.filters, self._now)

    @property
    def from_value(self) -> str:
        """The value of the field From."""
        return self._format_local_datetime(self.filters.since)

    @property
    def to_value(self) -> str:
        """The value of the field To."""
        return self._format_local_datetime(self.filters.until)

    def _format_local_datetime(self, time: TimeExpression | None) -> str:
        return format_time_field(time.resolve(self._now)) if time else ""


def build_query_field(
    filters: RunFilters,
    address: RunListAddress,
    assistant_names: Mapping[str, str] = NO_NAMES,
    typed_text: str = "",
) -> QueryControl:
    """Return the query field of a run list; `typed_text` is a query that could not be read."""
    return QueryControl(
        "Runs",
        address.path,
        filters,
        address.url,
        other_params=tuple(address.params()),
        controlled_params=("status", *FACET_FIELDS),
        typed_text=typed_text,
        assistant_names=assistant_names,
        has_fragments=True,
        build_clear_url=replace(address, view="", columns="").url,
    )


def build_status_options(facet: RunFacet, filters: RunFilters) -> list[FacetOption]:
    """Return the status chips: statuses that occur or are selected. Unknown statuses come last."""
    return sorted(_build_options(facet, filters.status), key=lambda option: status_rank(option.value))


def build_facet_options(
    facet: RunFacet, filters: RunFilters, assistant_names: Mapping[str, str] = NO_NAMES
) -> FacetOptions:
    """Return the options of a facet. Selected values are always visible."""
    options = _build_options(facet, getattr(filters, facet.field.name))
    if facet.field.name == "assistant":
        options = [
            replace(option, label=assistant_names.get(option.value) or formats.shorten_id(option.value))
            for option in options
        ]
    visible = [option for rank, option in enumerate(options) if option.is_selected or rank < VISIBLE_OPTIONS]
    collapsed = [option for rank, option in enumerate(options) if not option.is_selected and rank >= VISIBLE_OPTIONS]
    return FacetOptions(
        facet.field.name,
        facet.field.label,
        visible,
        collapsed[:MAX_COLLAPSED_OPTIONS],
        unlisted_count=max(0, len(collapsed) - MAX_COLLAPSED_OPTIONS),
        sample_size=facet.sample_size if facet.is_capped else 0,
    )


def _build_options(facet: RunFacet, selected: tuple[str, ...]) -> list[FacetOption]:
    """Return all values that occur, most frequent first, then the selected values that do not occur."""
    counts = dict(facet.counts)
    max_count = facet.max_count or 1
    values = [*counts, *(value for value in selected if value not in counts)]
    return [
        FacetOption(value, count := counts.get(value, 0), value in selected, f"{100 * count / max_count:.0f}%")
        for value in values
    ]
