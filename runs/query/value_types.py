"""How values of a field are written: one kind for each way. A kind reads a value or says what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from runs.models.tag import tag_name
from runs.query.did_you_mean import suggestion
from runs.query.operators import (
    Between,
    Compared,
    Contains,
    Count,
    Given,
    Instant,
    Is,
    Like,
    Match,
    Money,
    Quantity,
    Sign,
    Span,
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


class Kind(Protocol):
    """How values are written. `hints` are offered while one is typed."""

    @property
    def hints(self) -> tuple[str, ...]: ...

    def read(self, value: str, *, quoted: bool) -> Match:
        """What `value` asks for. Raises ValueError that says what was expected."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Exact values, or a pattern with `*`. Unknown ones are data, unless `closed`; near misses are refused."""

    known: tuple[str, ...] = ()
    closed: bool = False

    @property
    def hints(self) -> tuple[str, ...]:
        return self.known

    def read(self, value: str, *, quoted: bool) -> Match:
        if not quoted:
            _refuse_sign(value)
            if "*" in value:
                return Like(value) if value.strip("*") else Given()
        if value in self.known:
            return Is(value)
        if near := suggestion(value, self.known):
            raise ValueError(f"unknown value '{value}'; did you mean '{near}'?")
        if self.closed:
            raise ValueError(f"unknown value '{value}'; expected {' or '.join(self.known)}")
        return Is(value)


@dataclass(frozen=True, slots=True)
class Label:
    """A tag, however it is written, or a pattern with `*`."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Match:
        match Choice().read(value, quoted=quoted):
            case Is(text):
                return Is(tag_name(text))
            case Like(pattern):
                return Like(pattern.lower())
            case other:
                return other


@dataclass(frozen=True, slots=True)
class CodeOrText:
    """A code as it is, or between quotes a text that the message contains."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Match:
        return Contains(value) if quoted else Choice().read(value, quoted=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be found within a longer one."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Match:
        if not quoted:
            _refuse_sign(value)
            if not value.strip("*"):
                return Given()
            if "*" in value:
                raise ValueError("the text is found anywhere, without '*'; quote it to search for '*' itself")
        return Contains(value)


@dataclass(frozen=True, slots=True)
class HexPrefix:
    """The beginning of a uuid, that `of` something; where some runs have none, `*` stands for any."""

    of: str
    optional: bool = False
    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Match:
        if self.optional and value == "*" and not quoted:
            return Given()
        digits = value.lower().removesuffix("*").replace("-", "")
        if not re.fullmatch("[0-9a-f]{4,32}", digits):
            raise ValueError(f"expected the beginning of {self.of} id: 4 to 32 hexadecimal digits")
        return Is(digits)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Quantities: one, a comparison (`>`, `>=`, `<`, `<=`), or a range (`low..high`)."""

    hints: tuple[str, ...] = ()

    def read(self, value: str, *, quoted: bool) -> Match:
        if quoted:
            raise ValueError(f"{self.expected()}, without quotes")
        if value == "*":
            return Given()
        if ".." in value:
            return self._range(*value.split("..", 1))
        sign, rest = self.signed(value)
        return Compared(sign, self.quantity(rest))

    def quantity(self, text: str) -> Quantity:
        """Read one quantity. Raises ValueError."""
        raise NotImplementedError

    def expected(self) -> str:
        """What should have been there."""
        raise NotImplementedError

    def _range(self, low: str, high: str) -> Match:
        if not low or not high:
            raise ValueError("a range needs both ends; for one use >= or <=")
        between = Between(self.quantity(low), self.quantity(high))
        if _reversed(between):
            raise ValueError(f"the range ends before it begins; did you mean '{high}..{low}'?")
        return between

    def signed(self, value: str) -> tuple[Sign, str]:
        found = _SIGN.fullmatch(value)
        if found is None or not found[2]:
            raise ValueError(self.expected())
        sign: Sign = found[1] or "="  # type: ignore[assignment]
        return sign, found[2]


@dataclass(frozen=True, slots=True)
class Number(Ordered):
    """Whole numbers, `1500`, `1.5k` or `2M`."""

    hints: tuple[str, ...] = (">1000", ">10k", "100..200")

    def quantity(self, text: str) -> Quantity:
        found = _COUNT.fullmatch(text)
        if found is None:
            raise ValueError(self.expected())
        value = Decimal(found[1]) * _THOUSANDS[found[2]]
        if value != int(value) or value > _MOST:
            raise ValueError(self.expected())
        return Count(int(value))

    def expected(self) -> str:
        return "expected a whole number such as 1000, >10k or 100..200"


@dataclass(frozen=True, slots=True)
class Dollars(Ordered):
    """Amounts of money, `0.05` or `$1.20`."""

    hints: tuple[str, ...] = (">0.01", ">0.1", ">1", "0.05..0.5")

    def quantity(self, text: str) -> Quantity:
        found = _DOLLARS.fullmatch(text)
        nano = int(Decimal(found[1]) * 10**9) if found else _MOST + 1
        if nano > _MOST:
            raise ValueError(self.expected())
        return Money(nano)

    def expected(self) -> str:
        return "expected an amount in dollars such as 0.05, >$1 or 0.01..0.5"


@dataclass(frozen=True, slots=True)
class Duration(Ordered):
    """Lengths of time, `500ms`, `30s`, `1.5m`, `2h`, `1d`, `1h30m`."""

    hints: tuple[str, ...] = (">30s", ">2m", "<1s", "10s..1m")

    def quantity(self, text: str) -> Quantity:
        if not _SPAN.fullmatch(text):
            raise ValueError(self.expected())
        parts = _SPAN_PART.findall(text)
        milliseconds = sum(Decimal(amount) * _MILLISECONDS[unit] for amount, unit in parts)
        if milliseconds != int(milliseconds) or milliseconds > _LONGEST:
            raise ValueError(self.expected())
        return Span(int(milliseconds))

    def expected(self) -> str:
        return "expected a duration with a unit (ms, s, m, h, d) such as 30s, >2m or 10s..1m"


@dataclass(frozen=True, slots=True)
class Time(Ordered):
    """Days, seconds, and times before now; `-7d` alone is everything since."""

    hints: tuple[str, ...] = ("-1h", "-24h", "-7d", "-30d")

    def quantity(self, text: str) -> Quantity:
        return Instant.parse(text)

    def expected(self) -> str:
        return "expected a time such as 2026-05-01, >=2026-05-01T14:30:00Z, -24h or 2026-05-01..2026-05-08"

    def signed(self, value: str) -> tuple[Sign, str]:
        sign, rest = Ordered.signed(self, value)
        if not rest.startswith("-"):
            return sign, rest
        if value.startswith("="):
            raise ValueError(f"a time before now is compared: '{rest}' is since then, '<{rest}' before it")
        return (">=" if value == rest else sign), rest


def _refuse_sign(value: str) -> None:
    if value[0] in "<>=":
        raise ValueError(f"this field has no order; quote the value to search for '{value[0]}' itself")


def _reversed(between: Between) -> bool:
    match between:
        case Between(Count(low), Count(high)) | Between(Span(low), Span(high)) | Between(Money(low), Money(high)):
            return low > high
        case Between(Instant() as first, Instant() as last) if first.is_relative == last.is_relative:
            now = datetime(2026, 1, 1, tzinfo=UTC)  # any will do
            return first.span(now)[0] > last.span(now)[0]
    return False
