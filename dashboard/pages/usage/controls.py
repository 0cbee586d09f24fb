"""The controls of the usage page. Each option is a link to the page with another query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from dashboard.pages.usage.links import UsageLinks
from dashboard.ui.time_ranges import format_time_field, format_time_range
from dashboard.web.query_control import QueryControl
from runs.analytics.usage import USAGE_MEASURES, USAGE_RANGES, UsageQuery, UsageSplit
from runs.query import RunFilters, TimeExpression

_SPLITS = ("model", "assistant", "status", "kind")
_MAX_METADATA_TABS = 3


@dataclass(frozen=True, slots=True)
class UsageOption:
    """An option of a control."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class UsageControls:
    """The controls for `query`. `metadata_keys` are sorted by frequency."""

    query: UsageQuery
    links: UsageLinks
    metadata_keys: Sequence[str]

    # Measure and split

    @property
    def measures(self) -> list[UsageOption]:
        """The measures. Only tokens have kinds, so another measure resets a split by kind."""
        split = UsageSplit("model") if self.query.split.name == "kind" else self.query.split
        return [
            UsageOption(name.capitalize(), self.links.page(measure=name, split=split), name == self.query.measure)
            for name in USAGE_MEASURES
        ]

    @property
    def splits(self) -> list[UsageOption]:
        """The splits by a field."""
        return [self._split_option(UsageSplit(name)) for name in _SPLITS]

    @property
    def metadata_splits(self) -> list[UsageOption]:
        """The splits by a metadata key."""
        return [self._split_option(UsageSplit("metadata", key)) for key in self.metadata_keys]

    @property
    def tabs(self) -> list[UsageOption]:
        """The most useful splits, and the current one."""
        fields = [UsageSplit("model"), UsageSplit("assistant"), UsageSplit("status")]
        keys = [UsageSplit("metadata", key) for key in self.metadata_keys[:_MAX_METADATA_TABS]]
        current = self.query.split
        others = [] if current in (*fields, *keys) else [current]
        return [self._split_option(split) for split in (*fields, *others, *keys)]

    @property
    def split_label(self) -> str:
        """The label of the menu of splits, such as `Split by model`."""
        split = self.query.split
        name = "prompt and completion" if split.name == "kind" else split.label if split.key else split.name
        return f"Split by {name}"

    def _split_option(self, split: UsageSplit) -> UsageOption:
        measure = {"measure": "tokens"} if split.name == "kind" else {}
        label = "Prompt and completion" if split.name == "kind" else split.label
        return UsageOption(label, self.links.page(split=split, **measure), split == self.query.split)

    # Time

    @property
    def ranges(self) -> list[UsageOption]:
        """The ranges that end now."""
        return [
            UsageOption(
                f"{name[:-1]} {name[-1]}",
                self.links.page(range=name, requested_filters=self.query.filters),
                name == self.query.range,
            )
            for name in USAGE_RANGES
        ]

    @property
    def time_range_label(self) -> str:
        """The label of the menu of times: the requested times, if there are any."""
        if self.query.range:
            return "Custom range"
        return format_time_range(self.query.since, self.query.until, timezone.now())

    @property
    def from_value(self) -> str:
        """The value of the field `from`."""
        return format_time_field(self.query.since)

    @property
    def to_value(self) -> str:
        """The value of the field `to`."""
        return format_time_field(self.query.until)

    # Filters

    @property
    def query_field(self) -> QueryControl:
        """The query field. Its times are those of the menus."""
        filter_names = RunFilters.PARAM_NAMES
        return QueryControl(
            "Runs",
            self.links.page_path,
            self.query.requested_filters,
            lambda filters: self.links.page(requested_filters=filters),
            other_params=tuple(pair for pair in self.query.to_params() if pair[1] and pair[0] not in filter_names),
            scope=self._period,
            placeholder="metadata.customer:acme tool:file_search",
        )

    @property
    def _period(self) -> RunFilters:
        since, until = (TimeExpression.parse(time.isoformat()) for time in (self.query.since, self.query.until))
        return RunFilters(since=since, until=until)

    # Hidden fields of the forms

    @property
    def params_without_split(self) -> list[tuple[str, str]]:
        """The parameters that the form of a metadata key keeps."""
        return self._params_without("split")

    @property
    def params_without_times(self) -> list[tuple[str, str]]:
        """The parameters that the form of a time range keeps."""
        return self._params_without("from", "to", "range")

    def _params_without(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.query.to_params() if value and name not in names]
