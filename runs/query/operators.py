"""What a value has to be for a run to match: the leaves of a query. Each writes itself, and says itself in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runs.query.relative_times import TimeExpression

ComparisonSign = Literal[">", ">=", "<", "<=", "="]

_BARE = re.compile(r"[^\s\"(),<>=*][^\s\"(),*]*")
_ESCAPE = re.compile(r"\\([\s\S])")
_NUMBER_WORDS = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "=": "exactly"}
_TIME_WORDS = {">": "after", ">=": "since", "<": "before", "<=": "no later than", "=": "within"}
_DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def format_value(value: str) -> str:
    """A value as the language writes it: bare, or quoted where it would be read as something else."""
    return value if _BARE.fullmatch(value) else quote_value(value)


def quote_value(value: str) -> str:
    """A value between quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote_value(text: str) -> str:
    """What stands between quotes."""
    return _ESCAPE.sub(r"\1", text[1:-1])


@dataclass(frozen=True, slots=True)
class CountQuantity:
    """A number of tokens."""

    value: int

    def span(self, _: datetime) -> tuple[int, None]:
        """The number; it has no extent."""
        return self.value, None

    @property
    def said(self) -> str:
        return f"{self.value:,}"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class DollarQuantity:
    """An amount in nano-dollars, as costs are stored."""

    nano: int

    def span(self, _: datetime) -> tuple[int, None]:
        """The nano-dollars; they have no extent."""
        return self.nano, None

    @property
    def said(self) -> str:
        return f"${self}"

    def __str__(self) -> str:
        whole, part = divmod(self.nano, 10**9)
        return f"{whole}.{part:09}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class DurationQuantity:
    """A length of time, in milliseconds."""

    milliseconds: int

    def span(self, _: datetime) -> tuple[int, None]:
        """The milliseconds; they have no extent."""
        return self.milliseconds, None

    @property
    def said(self) -> str:
        return str(self)

    def __str__(self) -> str:
        sizes = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))
        fitting = (f"{self.milliseconds // size}{unit}" for unit, size in sizes if not self.milliseconds % size)
        return next(fitting, f"{self.milliseconds}ms") if self.milliseconds else "0s"


@dataclass(frozen=True, slots=True)
class TimeQuantity:
    """A day (`2026-05-01`), a second (`2026-05-01T14:30:00Z`) or a time before now (`-7d`)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> TimeQuantity:
        """Read a point in time. Raises ValueError."""
        moment = TimeExpression.parse(text)
        instant = cls(text if _DAY_TEXT.fullmatch(text) else moment.text)
        try:
            instant.span(moment.at(datetime.max))  # noqa: DTZ901 - only its size matters
        except OverflowError as error:
            raise ValueError("expected an earlier time") from error
        return instant

    @property
    def is_relative(self) -> bool:
        return self.text.startswith("-")

    @property
    def is_day(self) -> bool:
        return _DAY_TEXT.fullmatch(self.text) is not None

    def span(self, now: datetime) -> tuple[datetime, datetime | None]:
        """Its begin, and its end (exclusive) where it has an extent."""
        start = TimeExpression.parse(self.text).at(now)
        if self.is_relative:
            return start, None
        return start, start + (_DAY if self.is_day else _SECOND)

    @property
    def said(self) -> str:
        return self.text if self.is_day else TimeExpression(self.text).describe()

    def __str__(self) -> str:
        return self.text


Quantity = CountQuantity | DollarQuantity | DurationQuantity | TimeQuantity


@dataclass(frozen=True, slots=True)
class Exists:
    """Any value at all."""

    def words(self, *, negated: bool = False) -> str:
        return "is not set" if negated else "is set"

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class Equals:
    """Exactly this value."""

    value: str

    def words(self, *, negated: bool = False) -> str:
        return f"is {'not ' if negated else ''}{self.value}"

    def __str__(self) -> str:
        return format_value(self.value)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A value of this pattern, in which `*` stands for any text."""

    pattern: str

    @property
    def sql(self) -> str:
        """The pattern as LIKE takes it."""
        return "%".join(escape_like(part) for part in self.pattern.split("*"))

    def words(self, *, negated: bool = False) -> str:
        return f"is {'not ' if negated else ''}like {self.pattern}"

    def __str__(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Contains:
    """This text somewhere within, in capitals or not."""

    text: str

    @property
    def sql(self) -> str:
        """The text as ILIKE takes it."""
        return f"%{escape_like(self.text)}%"

    def words(self, *, negated: bool = False) -> str:
        return f"{'does not contain' if negated else 'contains'} {quote_value(self.text)}"

    def __str__(self) -> str:
        return quote_value(self.text)


@dataclass(frozen=True, slots=True)
class Comparison:
    """More, less, or as much."""

    sign: ComparisonSign
    quantity: Quantity

    def words(self, *, negated: bool = False) -> str:
        words = _TIME_WORDS if isinstance(self.quantity, TimeQuantity) else _NUMBER_WORDS
        return f"{'not ' if negated else ''}{words[self.sign]} {self.quantity.said}"

    def __str__(self) -> str:
        return f"{'' if self.sign == self._plain else self.sign}{self.quantity}"

    @property
    def _plain(self) -> ComparisonSign:
        """What is meant where no sign is written: `-7d` is everything since."""
        return ">=" if isinstance(self.quantity, TimeQuantity) and self.quantity.is_relative else "="


@dataclass(frozen=True, slots=True)
class Range:
    """From one to another, both included."""

    low: Quantity
    high: Quantity

    def words(self, *, negated: bool = False) -> str:
        return f"{'not ' if negated else ''}from {self.low.said} to {self.high.said}"

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Operator = Exists | Equals | Wildcard | Contains | Comparison | Range


def escape_like(text: str) -> str:
    """`text` within a pattern of LIKE, where it stands for nothing but itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)
