"""How values of a field are written: one kind for each way. A kind reads a value or says what is wrong with it."""

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

_MOST = 2**63 - 1
_SIGN = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_COUNT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,9})?)([kM]?)")
_DOLLARS = re.compile(r"\$?([0-9]{1,30}(?:\.[0-9]{1,9})?)")
_SPAN = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,9})?(?:ms|s|m|h|d))+")
_SPAN_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_THOUSANDS = {"": 1, "k": 1000, "M": 1_000_000}
# a timedelta holds more, but nothing runs for longer
_LONGEST = 36_500 * _MILLISECONDS["d"]


class ValueType(Protocol):
    """How values are written. `hints` are offered while one is typed."""

    @property
    def hints(self) -> tuple[str, ...]: ...

    def read(self, value: str, *, quoted: bool) -> Operator:
        """What `value` asks for. Raises ValueError that says what was expected."""


@dataclass(frozen=True, slots=True)
class ExactValueType:
    """Exact values, or a pattern with `*`. Unknown ones are data, unless `closed`; near misses are refused."""

    known: tuple[str, ...] = ()
    closed: bool = False

    @property
    def hints(self) -> tuple[str, ...]:
        return self.known

    def read(self, value: str, *, quoted: bool) -> Operator:
        if not quoted:
            _reject_comparison(value)
            if "*" in value:
                return Wildcard(value) if value.strip("*") else Exists()
        if value in self.known:
            return Equals(value)
        if near := find_closest_match(value, self.known):
            raise ValueError(f"unknown value '{value}'; did you mean '{near}'?")
        if self.closed:
            raise ValueError(f"unknown value '{value}'; expected {' or '.join(self.known)}")
        return Equals(value)


@dataclass(frozen=True, slots=True)
class TagType:
    """A tag, however it is written, or a pattern with `*`."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Operator:
        match ExactValueType().read(value, quoted=quoted):
            case Equals(text):
                return Equals(normalize_tag(text))
            case Wildcard(pattern):
                return Wildcard(pattern.lower())
            case other:
                return other


@dataclass(frozen=True, slots=True)
class CodeOrTextType:
    """A code as it is, or between quotes a text that the message contains."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Operator:
        return Contains(value) if quoted else ExactValueType().read(value, quoted=False)


@dataclass(frozen=True, slots=True)
class TextType:
    """A text to be found within a longer one."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Operator:
        if not quoted:
            _reject_comparison(value)
            if not value.strip("*"):
                return Exists()
            if "*" in value:
                raise ValueError("the text is found anywhere, without '*'; quote it to search for '*' itself")
        return Contains(value)


@dataclass(frozen=True, slots=True)
class HexPrefixType:
    """The beginning of a uuid, that `of` something; where some runs have none, `*` stands for any."""

    of: str
    optional: bool = False
    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Operator:
        if self.optional and value == "*" and not quoted:
            return Exists()
        digits = value.lower().removesuffix("*").replace("-", "")
        if not re.fullmatch("[0-9a-f]{4,32}", digits):
            raise ValueError(f"expected the beginning of {self.of} id: 4 to 32 hexadecimal digits")
        return Equals(digits)


@dataclass(frozen=True, slots=True)
class OrderedType:
    """Quantities: one, a comparison (`>`, `>=`, `<`, `<=`), or a range (`low..high`)."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Operator:
        if quoted:
            raise ValueError(f"{self.expected()}, without quotes")
        if value == "*":
            return Exists()
        if ".." in value:
            return self._range(*value.split("..", 1))
        sign, rest = self.signed(value)
        return Comparison(sign, self.quantity(rest))

    def quantity(self, text: str) -> Quantity:
        """Read one quantity. Raises ValueError."""
        raise NotImplementedError

    def expected(self) -> str:
        """What should have been there."""
        raise NotImplementedError

    def _range(self, low: str, high: str) -> Operator:
        if not low or not high:
            raise ValueError("a range needs both ends; for one use >= or <=")
        between = Range(self.quantity(low), self.quantity(high))
        if _is_reversed(between):
            raise ValueError(f"the range ends before it begins; did you mean '{high}..{low}'?")
        return between

    def signed(self, value: str) -> tuple[ComparisonSign, str]:
        found = _SIGN.fullmatch(value)
        if found is None or not found[2]:
            raise ValueError(self.expected())
        sign: ComparisonSign = found[1] or "="  # type: ignore[assignment]
        return sign, found[2]


@dataclass(frozen=True, slots=True)
class NumberType(OrderedType):
    """Whole numbers, `1500`, `1.5k` or `2M`."""

    hints: tuple[str, ...] = (">1000", ">10k", "100..200")

    def quantity(self, text: str) -> Quantity:
        found = _COUNT.fullmatch(text)
        if found is None:
            raise ValueError(self.expected())
        value = Decimal(found[1]) * _THOUSANDS[found[2]]
        if value != int(value) or value > _MOST:
            raise ValueError(self.expected())
        return CountQuantity(int(value))

    def expected(self) -> str:
        return "expected a whole number such as 1000, >10k or 100..200"


@dataclass(frozen=True, slots=True)
class DollarsType(OrderedType):
    """Amounts of money, `0.05` or `$1.20`."""

    hints: tuple[str, ...] = (">0.01", ">0.1", ">1", "0.05..0.5")

    def quantity(self, text: str) -> Quantity:
        found = _DOLLARS.fullmatch(text)
        nano = int(Decimal(found[1]) * 10**9) if found else _MOST + 1
        if nano > _MOST:
            raise ValueError(self.expected())
        return DollarQuantity(nano)

    def expected(self) -> str:
        return "expected an amount in dollars such as 0.05, >$1 or 0.01..0.5"


@dataclass(frozen=True, slots=True)
class DurationType(OrderedType):
    """Lengths of time, `500ms`, `30s`, `1.5m`, `2h`, `1d`, `1h30m`."""

    hints: tuple[str, ...] = (">30s", ">2m", "<1s", "10s..1m")

    def quantity(self, text: str) -> Quantity:
        if not _SPAN.fullmatch(text):
            raise ValueError(self.expected())
        parts = _SPAN_PART.findall(text)
        milliseconds = sum(Decimal(amount) * _MILLISECONDS[unit] for amount, unit in parts)
        if milliseconds != int(milliseconds) or milliseconds > _LONGEST:
            raise ValueError(self.expected())
        return DurationQuantity(int(milliseconds))

    def expected(self) -> str:
        return "expected a duration with a unit (ms, s, m, h, d) such as 30s, >2m or 10s..1m"


@dataclass(frozen=True, slots=True)
class TimeType(OrderedType):
    """Days, seconds, and times before now; `-7d` alone is everything since."""

    hints: tuple[str, ...] = ("-1h", "-24h", "-7d", "-30d")

    def quantity(self, text: str) -> Quantity:
        return TimeQuantity.parse(text)

    def expected(self) -> str:
        return "expected a time such as 2026-05-01, >=2026-05-01T14:30:00Z, -24h or 2026-05-01..2026-05-08"

    def signed(self, value: str) -> tuple[ComparisonSign, str]:
        sign, rest = OrderedType.signed(self, value)
        if not rest.startswith("-"):
            return sign, rest
        if value.startswith("="):
            raise ValueError(f"a time before now is compared: '{rest}' is since then, '<{rest}' before it")
        return (">=" if value == rest else sign), rest


def _reject_comparison(value: str) -> None:
    if value[0] in "<>=":
        raise ValueError(f"this field has no order; quote the value to search for '{value[0]}' itself")


def _is_reversed(between: Range) -> bool:
    match between:
        case (
            Range(CountQuantity(low), CountQuantity(high))
            | Range(DurationQuantity(low), DurationQuantity(high))
            | Range(DollarQuantity(low), DollarQuantity(high))
        ):
            return low > high
        case Range(TimeQuantity() as first, TimeQuantity() as last) if first.is_relative == last.is_relative:
            now = datetime(2026, 1, 1, tzinfo=UTC)  # any will do
            return first.span(now)[0] > last.span(now)[0]
    return False
