"""The operators of the query language and their operands.

An operator is the part of a term after the colon: `failed` in `status:failed`, `>30s` in `duration:>30s`. Each one
formats itself in the query language (`str()`) and describes itself in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runs.query.relative_times import TimeExpression

ComparisonSign = Literal[">", ">=", "<", "<=", "="]

_BARE_VALUE = re.compile(r"[^\s\"(),<>=*][^\s\"(),*]*")
_ESCAPE = re.compile(r"\\([\s\S])")
_LIKE_SPECIAL = re.compile(r"([\\%_])")
_DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NUMBER_WORDS = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "=": "exactly"}
_TIME_WORDS = {">": "after", ">=": "since", "<": "before", "<=": "no later than", "=": "at"}
# Relative to now, `since 7 days ago` reads better as `in the last 7 days`.
_RELATIVE_TIME_WORDS = {
    ">": "less than {} ago",
    ">=": "in the last {}",
    "<": "more than {} ago",
    "<=": "at least {} ago",
    "=": "exactly {} ago",
}


def format_value(value: str) -> str:
    """Return `value` as the query language writes it, with quotes only where it would be misread without."""
    return value if _BARE_VALUE.fullmatch(value) else quote_value(value)


def quote_value(value: str) -> str:
    """Return `value` in quotes, with quotes and backslashes escaped."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote_value(text: str) -> str:
    """Return the value of a quoted text; the inverse of `quote_value`."""
    return _ESCAPE.sub(r"\1", text[1:-1])


def escape_like(text: str) -> str:
    """Escape `text` for a LIKE pattern, so that it matches only itself."""
    return _LIKE_SPECIAL.sub(r"\\\1", text)


@dataclass(frozen=True, slots=True)
class CountQuantity:
    """A number of tokens."""

    value: int

    def bounds(self, _: datetime) -> tuple[int, None]:
        """Return the number; a number has no extent."""
        return self.value, None

    def describe(self) -> str:
        """Return the number with thousands separators."""
        return f"{self.value:,}"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class DollarQuantity:
    """An amount of US dollars in nano-dollars, the unit in which costs are stored."""

    nano: int

    def bounds(self, _: datetime) -> tuple[int, None]:
        """Return the nano-dollars; an amount has no extent."""
        return self.nano, None

    def describe(self) -> str:
        """Return the amount with a dollar sign."""
        return f"${self}"

    def __str__(self) -> str:
        dollars, nano = divmod(self.nano, 10**9)
        return f"{dollars}.{nano:09}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class DurationQuantity:
    """A duration in milliseconds."""

    milliseconds: int

    def bounds(self, _: datetime) -> tuple[int, None]:
        """Return the milliseconds; a duration has no extent."""
        return self.milliseconds, None

    def describe(self) -> str:
        """Return the duration in the largest unit that divides it."""
        return str(self)

    def __str__(self) -> str:
        if not self.milliseconds:
            return "0s"
        units = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))
        whole = (f"{self.milliseconds // size}{unit}" for unit, size in units if not self.milliseconds % size)
        return next(whole, f"{self.milliseconds}ms")


@dataclass(frozen=True, slots=True)
class TimeQuantity:
    """A day (`2026-05-01`), a second (`2026-05-01T14:30:00Z`) or a time relative to now (`-7d`)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> TimeQuantity:
        """Parse a time.

        Raises:
            ValueError: The text is not a time.
        """
        expression = TimeExpression.parse(text)
        return cls(text if _DAY_TEXT.fullmatch(text) else expression.text)

    @property
    def is_relative(self) -> bool:
        """Return whether the time is relative to now."""
        return self.text.startswith("-")

    @property
    def is_day(self) -> bool:
        """Return whether the time is a whole day."""
        return _DAY_TEXT.fullmatch(self.text) is not None

    def bounds(self, now: datetime) -> tuple[datetime, datetime | None]:
        """Return the start of the day or second and its exclusive end, which is None for a relative time."""
        start = TimeExpression.parse(self.text).resolve(now)
        if self.is_relative:
            return start, None
        return start, start + (_DAY if self.is_day else _SECOND)

    def describe(self) -> str:
        """Return the time in words."""
        return self.text if self.is_day else TimeExpression(self.text).describe()

    def __str__(self) -> str:
        return self.text


Quantity = CountQuantity | DollarQuantity | DurationQuantity | TimeQuantity


@dataclass(frozen=True, slots=True)
class Exists:
    """Matches any value: `*`."""

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        return "is not set" if negated else "is set"

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class Equals:
    """Matches exactly this value."""

    value: str

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        return f"is {'not ' if negated else ''}{self.value}"

    def __str__(self) -> str:
        return format_value(self.value)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Matches a pattern in which `*` stands for any text."""

    pattern: str

    @property
    def like_pattern(self) -> str:
        """The pattern for LIKE."""
        return "%".join(escape_like(part) for part in self.pattern.split("*"))

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        return f"{'does not match' if negated else 'matches'} {self.pattern}"

    def __str__(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Contains:
    """Matches values that contain this text, in upper or lower case."""

    text: str

    @property
    def ilike_pattern(self) -> str:
        """The pattern for ILIKE."""
        return f"%{escape_like(self.text)}%"

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        return f"{'does not contain' if negated else 'contains'} {quote_value(self.text)}"

    def __str__(self) -> str:
        return quote_value(self.text)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares with one quantity."""

    sign: ComparisonSign
    quantity: Quantity

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        prefix = "not " if negated else ""
        match self.quantity:
            case TimeQuantity(is_relative=True, text=text):
                distance = TimeExpression(text).describe_distance()
                return prefix + _RELATIVE_TIME_WORDS[self.sign].format(distance)
            case TimeQuantity(is_day=is_day):
                word = "on" if is_day and self.sign == "=" else _TIME_WORDS[self.sign]
                return f"{prefix}{word} {self.quantity.describe()}"
        return f"is {prefix}{_NUMBER_WORDS[self.sign]} {self.quantity.describe()}"

    def __str__(self) -> str:
        # without a sign `-7d` means everything since, and all other quantities mean equality
        is_relative_time = isinstance(self.quantity, TimeQuantity) and self.quantity.is_relative
        default_sign = ">=" if is_relative_time else "="
        return f"{'' if self.sign == default_sign else self.sign}{self.quantity}"


@dataclass(frozen=True, slots=True)
class Range:
    """Matches quantities between two, both included."""

    low: Quantity
    high: Quantity

    def describe(self, *, negated: bool = False) -> str:
        """Return the operator in words."""
        verb = "" if isinstance(self.low, TimeQuantity) else "is "
        return f"{verb}{'not ' if negated else ''}between {self.low.describe()} and {self.high.describe()}"

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Operator = Exists | Equals | Wildcard | Contains | Comparison | Range
