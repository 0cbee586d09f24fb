"""The query of a usage report, and its query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from runs.errors import InvalidFilter, Problem
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters, TimeExpression
from runs.query.ast import Not, QueryNode, Term, join_and
from runs.query.did_you_mean import find_closest_match
from runs.query.grammar import Query
from runs.query.operators import Comparison, CountQuantity, Equals, Exists
from runs.rollups.time_buckets import EARLIEST, start_of_day, start_of_hour

USAGE_MEASURES = ("tokens", "cost", "runs")
USAGE_RANGES = ("24h", "7d", "30d", "90d")
SPLIT_FIELDS = ("model", "assistant", "status")
TOKEN_KIND_SPLIT = "kind"  # noqa: S105 - no secret
# Usage can also be split by every key of the metadata.
USAGE_SPLITS = (*SPLIT_FIELDS, TOKEN_KIND_SPLIT)
USAGE_PARAMETERS = ("measure", "split", "range", "zone")
DEFAULT_USAGE_RANGE = "30d"
MAX_METADATA_KEY_LENGTH = 512
_DEFAULT_PARAMS = (
    ("measure", USAGE_MEASURES[0]),
    ("split", SPLIT_FIELDS[0]),
    ("range", DEFAULT_USAGE_RANGE),
    ("range", ""),
)
_METADATA_PREFIX = "metadata."


@dataclass(frozen=True, slots=True)
class UsageSplit:
    """The division of usage: by a field of the runs, by a `key` of their metadata, or by the kind of token."""

    name: str
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> UsageSplit:
        """Parse a split, such as `model` or `metadata.customer`.

        Raises ValueError.
        """
        if text in USAGE_SPLITS:
            return cls(text)
        key = text.removeprefix(_METADATA_PREFIX)
        if key not in ("", text) and len(key) <= MAX_METADATA_KEY_LENGTH and clean_text(key) == key:
            return cls("metadata", key)
        near = find_closest_match(text, USAGE_SPLITS)
        raise ValueError(
            f"did you mean '{near}'?" if near else f"expected one of {', '.join(USAGE_SPLITS)}, metadata.KEY"
        )

    @property
    def label(self) -> str:
        """The heading of a column: `Model`, `metadata.customer`."""
        if self.name == TOKEN_KIND_SPLIT:
            return "Kind of token"
        return str(self) if self.key else self.name.capitalize()

    def condition(self, value: str | None) -> QueryNode:
        """Return the condition on the runs of one group; `value` is None for the runs without a value."""
        if self.name == TOKEN_KIND_SPLIT:
            # Other tokens are only part of the total.
            return build_token_condition("total" if value == "other" else str(value))
        if value is None:
            return Not(Term(self.name, (Exists(),), key=self.key))
        return Term(self.name, (Equals(value),), key=self.key)

    def __str__(self) -> str:
        """Return the split as `parse` reads it."""
        return self.name if self.key is None else f"{_METADATA_PREFIX}{self.key}"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """A usage query: filters, a period in a time zone, a measure, and a split.

    `requested_filters` are the filters with the time range that was requested, which `since` and `until` (exclusive)
    resolve. `range` is the name of the requested range, "" if times were requested instead. `has_explicit_zone` says
    that the query names the zone itself.
    """

    requested_filters: RunFilters
    since: datetime
    until: datetime
    zone: ZoneInfo
    split: UsageSplit = UsageSplit("model")
    measure: str = USAGE_MEASURES[0]
    range: str = ""
    has_explicit_zone: bool = False

    @classmethod
    def parse_params(cls, params: Mapping[str, Sequence[str]], zone: ZoneInfo, now: datetime) -> UsageQuery:
        """Parse query parameters: those of the run list and `USAGE_PARAMETERS`.

        `zone` is the default time zone. Days and relative times refer to `now`.

        Raises InvalidFilter, with one problem for each unknown parameter and each invalid value.
        """
        problems: list[Problem] = []
        own = {name: _get_single_value(name, params[name], problems) for name in USAGE_PARAMETERS if name in params}
        try:
            filters = RunFilters.parse_params(params, extra_params=USAGE_PARAMETERS, keep_times="range" in params)
        except InvalidFilter as error:
            problems += error.problems
            filters = RunFilters()
        zone = _parse_zone(own.get("zone"), zone, problems)
        split = _parse_split(own.get("split", SPLIT_FIELDS[0]), problems)
        measure = _parse_choice("measure", own.get("measure", USAGE_MEASURES[0]), USAGE_MEASURES, problems)
        if split.name == TOKEN_KIND_SPLIT and measure != "tokens":
            problems.append(Problem("split", f"{TOKEN_KIND_SPLIT} requires the measure tokens, found {measure}"))
        range_name = _parse_range(own.get("range"), filters, problems)
        since, until = _resolve_times(filters, range_name, zone, now)
        if since >= until and not problems:
            problems.append(Problem("to", "must be after from"))
        if problems:
            raise InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
        return cls(filters, since, until, zone, split, measure, range_name, "zone" in own)

    @property
    def filters(self) -> RunFilters:
        """The filters without their time range."""
        return self.requested_filters.without("since").without("until")

    @property
    def previous_since(self) -> datetime:
        """The start of the previous period, which is equally long and ends when this one starts."""
        return self.since - min(self.until - self.since, self.since - EARLIEST)

    @property
    def run_list_filters(self) -> RunFilters:
        """The filters of a list of the runs of this period."""
        return self.filters_within(self.since, self.until)

    def filters_within(self, since: datetime, until: datetime) -> RunFilters:
        """Return the filters of the matching runs that were created in this time."""
        limits = (TimeExpression.parse(moment.isoformat()) for moment in (since, until))
        return replace(self.filters, since=next(limits), until=next(limits))

    def filters_for_group(self, value: str | None, split: UsageSplit | None = None) -> RunFilters:
        """Return the filters of one group of the split, or of another split, without a time range.

        Filters cannot match an empty value.
        """
        split = split or self.split
        if split.name in SPLIT_FIELDS and value is not None:
            values: dict[str, Any] = {split.name: (value,)}
            return replace(self.filters, **values)
        return add_condition(self.filters, split.condition(value))

    def to_query_string(self, **changes: Any) -> str:
        """Return the canonical query string without defaults, after changes of fields; times are as requested."""
        return urlencode([pair for pair in replace(self, **changes).to_params() if pair not in _DEFAULT_PARAMS])

    def to_params(self) -> list[tuple[str, str]]:
        """Return all parameters and values, defaults too, in a fixed order."""
        own = [("measure", self.measure), ("split", str(self.split)), ("range", self.range)]
        zone = [("zone", self.zone.key)] if self.has_explicit_zone else []
        return [*own, *zone, *(self.filters if self.range else self.requested_filters).to_params()]


def build_token_condition(kind: str) -> QueryNode:
    """Return the condition that a run used tokens of this kind."""
    return Term(f"{kind}_tokens", (Comparison(">", CountQuantity(0)),))


def add_condition(filters: RunFilters, condition: QueryNode) -> RunFilters:
    """Return the filters with one more condition."""
    return replace(filters, q=Query(join_and([filters.q.tree, condition]) if filters.q else condition))


def _get_single_value(name: str, values: Sequence[str], problems: list[Problem]) -> str:
    if len(values) > 1:
        problems.append(Problem(name, f"expected one value, found {len(values)}"))
    return values[0]


def _parse_zone(text: str | None, default: ZoneInfo, problems: list[Problem]) -> ZoneInfo:
    if text is None:
        return default
    names = available_timezones()
    if text in names:
        return ZoneInfo(text)
    match = find_closest_match(text, sorted(names))
    message = f"did you mean '{match}'?" if match else "expected a time zone such as Europe/Berlin"
    problems.append(Problem("zone", message))
    return default


def _parse_split(text: str, problems: list[Problem]) -> UsageSplit:
    try:
        return UsageSplit.parse(text)
    except ValueError as error:
        problems.append(Problem("split", f"unknown value '{text}'; {error}"))
        return UsageSplit(SPLIT_FIELDS[0])


def _parse_range(text: str | None, filters: RunFilters, problems: list[Problem]) -> str:
    """Return the name of the range; "" if the filters have a time range."""
    is_timed = filters.since is not None or filters.until is not None
    if text is None:
        return "" if is_timed else DEFAULT_USAGE_RANGE
    if is_timed:
        problems.append(Problem("range", "not allowed together with from or to"))
    return _parse_choice("range", text, USAGE_RANGES, problems)


def _parse_choice(name: str, value: str, choices: Sequence[str], problems: list[Problem]) -> str:
    if value in choices:
        return value
    problems.append(Problem(name, f"unknown value '{value}'; expected one of {', '.join(choices)}"))
    return choices[0]


def _resolve_times(filters: RunFilters, range_name: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the period.

    Without an end, it ends with the current second, since the times of runs are in seconds.
    """
    until = now.replace(microsecond=0) + timedelta(seconds=1)
    if range_name == "24h":
        return start_of_hour(now, zone) - timedelta(hours=23), until
    if range_name:
        return start_of_day(now, zone, days_back=int(range_name.removesuffix("d")) - 1), until
    if filters.until:
        until = filters.until.resolve(now)
    if filters.since:
        return filters.since.resolve(now).replace(microsecond=0), until
    return max(start_of_day(until - timedelta.resolution, zone, days_back=29), EARLIEST), until
