"""What is asked: which runs, of which time, divided by what, in whose days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
from runs.rollups.time_buckets import start_of_day, start_of_hour

USAGE_MEASURES = ("tokens", "cost", "runs")
USAGE_RANGES = ("24h", "7d", "30d", "90d")
SPLIT_FIELDS = ("model", "assistant", "status")
TOKEN_KIND_SPLIT = "kind"  # noqa: S105 - no secret
USAGE_SPLITS = (*SPLIT_FIELDS, TOKEN_KIND_SPLIT)  # and every key of the metadata
USAGE_PARAMETERS = ("measure", "split", "range", "zone")
DEFAULT_USAGE_RANGE = "30d"
MAX_METADATA_KEY_LENGTH = 512
_USUAL = (("measure", USAGE_MEASURES[0]), ("split", SPLIT_FIELDS[0]), ("range", DEFAULT_USAGE_RANGE), ("range", ""))
_EPOCH, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_METADATA = "metadata."


@dataclass(frozen=True, slots=True)
class UsageSplit:
    """By what the runs are divided: a field, a key of the metadata, or, their tokens, by their kind."""

    name: str
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> UsageSplit:
        """Read a split. Raises ValueError."""
        if text in USAGE_SPLITS:
            return cls(text)
        key = text.removeprefix(_METADATA)
        if key not in ("", text) and len(key) <= MAX_METADATA_KEY_LENGTH and clean_text(key) == key:
            return cls("metadata", key)
        near = find_closest_match(text, USAGE_SPLITS)
        raise ValueError(f"did you mean '{near}'?" if near else f"known are {', '.join(USAGE_SPLITS)}, metadata.KEY")

    @property
    def label(self) -> str:
        """At the head of a column: `Model`, `metadata.customer`."""
        return "Kind of token" if self.name == TOKEN_KIND_SPLIT else str(self) if self.key else self.name.capitalize()

    def condition(self, value: str | None) -> QueryNode:
        """What the runs of one group have in common; `value` None: that they have none."""
        if self.name == TOKEN_KIND_SPLIT:  # whoever has tokens of neither kind has some in total
            return build_token_condition("total" if value == "other" else str(value))
        if value is None:
            return Not(Term(self.name, (Exists(),), key=self.key))
        return Term(self.name, (Equals(value),), key=self.key)

    def __str__(self) -> str:
        return self.name if self.key is None else f"{_METADATA}{self.key}"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """A usage query: which runs, of which time, measured and split how, in whose time zone.

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
    def parse(cls, query: Mapping[str, Sequence[str]], zone: ZoneInfo, now: datetime) -> UsageQuery:
        """Read a query string that was taken apart. `zone` where it names none; it and `now` say when days begin.

        Takes the parameters of the run list, which must hold here too, and those of `PARAMETERS`; refuses every
        other, and every value that can't be meant: raises InvalidFilter, one problem each.
        """
        problems: list[Problem] = []
        given = {name: _only(name, query[name], problems) for name in USAGE_PARAMETERS if name in query}
        try:
            filters = RunFilters.parse_params(query, extra_params=USAGE_PARAMETERS, is_timed="range" in query)
        except InvalidFilter as error:
            problems += error.problems
            filters = RunFilters()
        zone = _zone(given.get("zone"), zone, problems)
        split, measure = _split(given.get("split"), problems), _measure(given.get("measure"), problems)
        if split.name == TOKEN_KIND_SPLIT and measure != "tokens":
            problems.append(Problem("split", f"{TOKEN_KIND_SPLIT} divides tokens; the measure is {measure}"))
        name = _range(given.get("range"), filters, problems)
        since, until = _times(filters, name, zone, now)
        if since >= until and not problems:
            problems.append(Problem("to", "must be after from"))
        if problems:
            raise InvalidFilter("; ".join(f"{each.path}: {each.message}" for each in problems), problems)
        return cls(filters, since, until, zone, split, measure, name, "zone" in given)

    @property
    def filters(self) -> RunFilters:
        return self.requested_filters.without("since").without("until")

    @property
    def previous_since(self) -> datetime:
        """When the time of equal length before this one began."""
        return max(self.since - (self.until - self.since), _EPOCH)

    @property
    def run_list_filters(self) -> RunFilters:
        """The runs that all of this is about, as the run list is asked for them."""
        return self.filters_within(self.since, self.until)

    def filters_within(self, since: datetime, until: datetime) -> RunFilters:
        """Those of them that were created then."""
        return replace(self.filters, since=_moment(since), until=_moment(until))

    def filters_for_group(self, value: str | None, split: UsageSplit | None = None) -> RunFilters:
        """The filters of one group of the split, or of another, without times. Nobody can ask for an empty value."""
        split = split or self.split
        if split.name in SPLIT_FIELDS and value is not None:
            chosen: dict[str, Any] = {split.name: (value,)}
            return replace(self.filters, **chosen)
        return add_condition(self.filters, split.condition(value))

    def query_string(self, **changes: Any) -> str:
        """The canonical query string, with changes made first; times as they were given."""
        return urlencode([pair for pair in replace(self, **changes).params() if pair not in _USUAL])

    def params(self) -> list[tuple[str, str]]:
        """Parameters and values in their fixed order, what is usual too."""
        own = [("measure", self.measure), ("split", str(self.split)), ("range", self.range)]
        zone = [("zone", self.zone.key)] if self.has_explicit_zone else []
        return [*own, *zone, *(self.filters if self.range else self.requested_filters).to_params()]


def build_token_condition(kind: str) -> QueryNode:
    """That a run used tokens of that kind."""
    return Term(f"{kind}_tokens", (Comparison(">", CountQuantity(0)),))


def add_condition(filters: RunFilters, term: QueryNode) -> RunFilters:
    """The filters, and `term` as well."""
    return replace(filters, q=Query(join_and([filters.q.tree, term]) if filters.q else term))


def _only(name: str, values: Sequence[str], problems: list[Problem]) -> str | None:
    if len(values) > 1:
        problems.append(Problem(name, "given more than once"))
    return values[0]


def _zone(text: str | None, usual: ZoneInfo, problems: list[Problem]) -> ZoneInfo:
    if text is None:
        return usual
    if text in available_timezones():
        return ZoneInfo(text)
    near = find_closest_match(text, sorted(available_timezones()))
    problems.append(
        Problem("zone", f"did you mean '{near}'?" if near else "expected a time zone such as Europe/Berlin")
    )
    return usual


def _split(text: str | None, problems: list[Problem]) -> UsageSplit:
    try:
        return UsageSplit.parse(SPLIT_FIELDS[0] if text is None else text)
    except ValueError as error:
        problems.append(Problem("split", f"unknown value '{text}'; {error}"))
        return UsageSplit(SPLIT_FIELDS[0])


def _measure(text: str | None, problems: list[Problem]) -> str:
    return _known("measure", USAGE_MEASURES[0] if text is None else text, USAGE_MEASURES, problems)


def _range(text: str | None, filters: RunFilters, problems: list[Problem]) -> str:
    is_timed = filters.since is not None or filters.until is not None
    if text is None:
        return "" if is_timed else DEFAULT_USAGE_RANGE
    if is_timed:
        problems.append(Problem("range", "not together with from or to"))
    return _known("range", text, USAGE_RANGES, problems)


def _known(name: str, value: str, known: Sequence[str], problems: list[Problem]) -> str:
    if value in known:
        return value
    problems.append(Problem(name, f"unknown value '{value}'; known are {', '.join(known)}"))
    return known[0]


def _times(filters: RunFilters, name: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """From when, until when. What is still open ends with the second that goes on, since runs count in seconds."""
    until = now.replace(microsecond=0) + timedelta(seconds=1)
    if name == "24h":
        return start_of_hour(now, zone) - timedelta(hours=23), until
    if name:
        return start_of_day(now, zone, days_back=int(name.removesuffix("d")) - 1), until
    if filters.until:
        until = min(max(filters.until.resolve(now), _EPOCH), _LATEST)
    if filters.since:
        return max(filters.since.resolve(now).replace(microsecond=0), _EPOCH), until
    return max(start_of_day(until - timedelta.resolution, zone, days_back=29), _EPOCH), until


def _moment(moment: datetime) -> TimeExpression:
    return TimeExpression.parse(moment.isoformat())
