"""The value types of the query language. A value type parses the text after the colon into an operator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from runs.models.run_tag import normalize_tag
from runs.query.did_you_mean import find_closest_match
from runs.query.operators import (
    Comparison,
    ComparisonSign,
    Contains,
    CountQuantity,
    DollarQuantity,
    DurationQuantity,
    Equals,
    Exists,
    Operator,
    Quantity,
    Range,
    TimeQuantity,
    Wildcard,
)

# Postgres compares a text with a pattern in time that grows with the product of their lengths, and does not check
# timeouts meanwhile.
MAX_SEARCH_TEXT_LENGTH = 256
# Values of the field `reviewed` that are no names.
REVIEWED, NOT_REVIEWED = "yes", "no"
_MAX_BIGINT = 2**63 - 1
_SIGNED_VALUE = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_COUNT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,9})?)([kM]?)")
_DOLLARS = re.compile(r"\$?([0-9]{1,30}(?:\.[0-9]{1,9})?)")
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,9})?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_COUNT_SUFFIXES = {"": 1, "k": 1000, "M": 1_000_000}
# A timedelta holds more, but no run takes longer.
_MAX_DURATION_MS = 36_500 * _MILLISECONDS["d"]


class UnknownValueError(ValueError):
    """A value is unknown, and is similar to a known one."""

    def __init__(self, value: str, closest: str) -> None:
        """Set the message, and the known value that was probably meant."""
        super().__init__(f"unknown value '{value}'; did you mean '{closest}'?")
        self.closest = closest


class ValueType(Protocol):
    """The syntax of a field's values."""

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Values that autocomplete offers."""

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse one value.

        Raises:
            ValueError: The value is invalid; the message says what is expected.
        """


@dataclass(frozen=True, slots=True)
class ExactValueType:
    """Exact values, or patterns with `*`.

    Values outside `known_values` are allowed unless `is_closed`, because servers send values of their own. Values
    that look like a mistyped known value are rejected.
    """

    known_values: tuple[str, ...] = ()
    is_closed: bool = False

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Values that autocomplete offers."""
        return self.known_values

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse a value or a pattern."""
        if not is_quoted:
            _reject_comparison(value)
            if "*" in value:
                return Wildcard(check_search_text(value)) if value.strip("*") else Exists()
        if value in self.known_values:
            return Equals(value)
        if closest := find_closest_match(value, self.known_values):
            raise UnknownValueError(value, closest)
        if self.is_closed:
            raise ValueError(f"unknown value '{value}'; expected one of {', '.join(self.known_values)}")
        return Equals(value)


@dataclass(frozen=True, slots=True)
class TagType:
    """Tags, which are normalized, or patterns with `*`."""

    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse a tag or a pattern."""
        match ExactValueType().parse(value, is_quoted=is_quoted):
            case Equals(tag):
                return Equals(normalize_tag(tag))
            case Wildcard(pattern):
                return Wildcard(pattern.lower())
            case operator:
                return operator


@dataclass(frozen=True, slots=True)
class ReviewType:
    """`yes`, `no`, or names of reviewers, which may be similar to both."""

    suggestions: tuple[str, ...] = (REVIEWED, NOT_REVIEWED)

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse `yes`, `no`, a name or a pattern. `*` is the same as `yes`."""
        operator = ExactValueType().parse(value, is_quoted=is_quoted)
        return Equals(REVIEWED) if isinstance(operator, Exists) else operator


@dataclass(frozen=True, slots=True)
class CodeOrTextType:
    """Exact codes without quotes, or text in quotes that a message contains."""

    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse a code, a pattern of codes, or a text."""
        return Contains(check_search_text(value)) if is_quoted else ExactValueType().parse(value, is_quoted=False)


@dataclass(frozen=True, slots=True)
class TextType:
    """Text that is part of a longer text."""

    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse a text."""
        if not is_quoted:
            _reject_comparison(value)
            if not value.strip("*"):
                return Exists()
            if "*" in value:
                raise ValueError("text is matched anywhere, without '*'; quote it to search for '*' itself")
        return Contains(check_search_text(value))


@dataclass(frozen=True, slots=True)
class IdType:
    """Ids of records within a run, or their beginnings with `*` after them."""

    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse an id, or the beginning of one."""
        operator = ExactValueType().parse(value, is_quoted=is_quoted)
        if isinstance(operator, Wildcard) and "*" in operator.pattern[:-1]:
            raise ValueError("expected an id, or the beginning of one followed by '*'")
        return operator


@dataclass(frozen=True, slots=True)
class HexPrefixType:
    """First digits of a UUID. `*` is allowed only if the field `is_optional`, that is, some runs have no value."""

    id_label: str
    is_optional: bool = False
    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse the digits; hyphens and a trailing `*` are ignored."""
        if self.is_optional and value == "*" and not is_quoted:
            return Exists()
        digits = value.lower().removesuffix("*").replace("-", "")
        if not re.fullmatch("[0-9a-f]{4,32}", digits):
            raise ValueError(f"expected the first 4 to 32 hexadecimal digits of {self.id_label} id")
        return Equals(digits)


@dataclass(frozen=True, slots=True)
class OrderedType:
    """Base class of quantities: one quantity, a comparison (`>`, `>=`, `<`, `<=`) or a range (`low..high`)."""

    suggestions: tuple[str, ...] = ()

    def parse(self, value: str, *, is_quoted: bool) -> Operator:
        """Parse a quantity, a comparison or a range."""
        if is_quoted:
            raise ValueError(f"{self.expected()}, without quotes")
        if value == "*":
            return Exists()
        if ".." in value:
            return self._parse_range(*value.split("..", 1))
        sign, rest = self.split_sign(value)
        return Comparison(sign, self._parse_quantity(rest))

    def expected(self) -> str:
        """Return what an error message says is expected."""
        raise NotImplementedError

    def _parse_quantity(self, text: str) -> Quantity:
        raise NotImplementedError

    def split_sign(self, value: str) -> tuple[ComparisonSign, str]:
        """Split a value into its sign, `=` by default, and the rest."""
        parts = _SIGNED_VALUE.fullmatch(value)
        if parts is None or not parts[2]:
            raise ValueError(self.expected())
        sign: ComparisonSign = parts[1] or "="  # type: ignore[assignment]
        return sign, parts[2]

    def _parse_range(self, low: str, high: str) -> Operator:
        if not low or not high:
            raise ValueError("expected both ends of the range; use >= or <= for one end")
        parsed = Range(self._parse_quantity(low), self._parse_quantity(high))
        if _is_reversed(parsed):
            raise ValueError(f"the range ends before it starts; did you mean '{high}..{low}'?")
        return parsed


@dataclass(frozen=True, slots=True)
class NumberType(OrderedType):
    """Whole numbers: `1500`, `1.5k` or `2M`."""

    suggestions: tuple[str, ...] = (">1000", ">10k", "100..200")

    def expected(self) -> str:
        """Return what an error message says is expected."""
        return "expected a whole number such as 1000, >10k or 100..200"

    def _parse_quantity(self, text: str) -> Quantity:
        parts = _COUNT.fullmatch(text)
        if parts is None:
            raise ValueError(self.expected())
        number = Decimal(parts[1]) * _COUNT_SUFFIXES[parts[2]]
        if number != int(number) or number > _MAX_BIGINT:
            raise ValueError(self.expected())
        return CountQuantity(int(number))


@dataclass(frozen=True, slots=True)
class DollarsType(OrderedType):
    """Amounts of US dollars: `0.05` or `$1.20`."""

    suggestions: tuple[str, ...] = (">0.01", ">0.1", ">1", "0.05..0.5")

    def expected(self) -> str:
        """Return what an error message says is expected."""
        return "expected an amount in dollars such as 0.05, >$1 or 0.01..0.5"

    def _parse_quantity(self, text: str) -> Quantity:
        parts = _DOLLARS.fullmatch(text)
        nano = int(Decimal(parts[1]) * 10**9) if parts else _MAX_BIGINT + 1
        if nano > _MAX_BIGINT:
            raise ValueError(self.expected())
        return DollarQuantity(nano)


@dataclass(frozen=True, slots=True)
class DurationType(OrderedType):
    """Durations: `500ms`, `30s`, `1.5m`, `2h`, `1d` or `1h30m`."""

    suggestions: tuple[str, ...] = (">30s", ">2m", "<1s", "10s..1m")

    def expected(self) -> str:
        """Return what an error message says is expected."""
        return "expected a duration with a unit (ms, s, m, h, d) such as 30s, >2m or 10s..1m"

    def _parse_quantity(self, text: str) -> Quantity:
        if not _DURATION.fullmatch(text):
            raise ValueError(self.expected())
        parts = _DURATION_PART.findall(text)
        milliseconds = sum(Decimal(amount) * _MILLISECONDS[unit] for amount, unit in parts)
        if milliseconds != int(milliseconds) or milliseconds > _MAX_DURATION_MS:
            raise ValueError(self.expected())
        return DurationQuantity(int(milliseconds))


@dataclass(frozen=True, slots=True)
class TimeType(OrderedType):
    """Days, seconds and times relative to now. `-7d` without a sign means everything since."""

    suggestions: tuple[str, ...] = ("-1h", "-24h", "-7d", "-30d")

    def expected(self) -> str:
        """Return what an error message says is expected."""
        return "expected a time such as 2026-05-01, >=2026-05-01T14:30:00Z, -24h or 2026-05-01..2026-05-08"

    def _parse_quantity(self, text: str) -> Quantity:
        return TimeQuantity.parse(text)

    def split_sign(self, value: str) -> tuple[ComparisonSign, str]:
        """Split a value into its sign, `>=` by default for a relative time, and the rest."""
        sign, rest = OrderedType.split_sign(self, value)
        if not rest.startswith("-"):
            return sign, rest
        if value.startswith("="):
            raise ValueError(f"'=' does not work with a relative time; write '{rest}' for since, '<{rest}' for before")
        return (">=" if value == rest else sign), rest


def check_search_text(text: str) -> str:
    """Return a text or pattern that is searched for. Raises ValueError if it is too long."""
    if len(text) > MAX_SEARCH_TEXT_LENGTH:
        raise ValueError(f"expected at most {MAX_SEARCH_TEXT_LENGTH} characters to search for, found {len(text):,}")
    return text


def _reject_comparison(value: str) -> None:
    if value[0] in "<>=":
        raise ValueError(f"this field can't be compared; quote the value to search for '{value[0]}' itself")


def _is_reversed(parsed: Range) -> bool:
    match parsed:
        case (
            Range(CountQuantity(low), CountQuantity(high))
            | Range(DurationQuantity(low), DurationQuantity(high))
            | Range(DollarQuantity(low), DollarQuantity(high))
        ):
            return low > high
        case Range(TimeQuantity() as low, TimeQuantity() as high) if low.is_relative == high.is_relative:
            now = datetime(2026, 1, 1, tzinfo=UTC)  # two relative times compare alike at any time
            return low.bounds(now)[0] > high.bounds(now)[0]
    return False
