"""In which order runs are listed, and the cursor that says where a page begins."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from runs.db.keyset_pagination import MISSING_SORT_VALUE
from runs.errors import InvalidFilter, Problem
from runs.models import Run
from runs.query.did_you_mean import find_closest_match

_COLUMNS = {"created": "created_at", "duration": "duration_ms", "tokens": "total_tokens", "cost": "cost"}
# Every order as it is written.
RUN_SORTS = tuple(sign + by for by in _COLUMNS for sign in ("-", ""))


@dataclass(frozen=True, slots=True)
class Order:
    """What runs are sorted by, and in which direction.

    Runs without a value count as less than all others. Among themselves they are sorted by time, the newest first,
    whatever the direction.
    """

    by: str = "created"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> Order:
        """Read `duration`, or `-duration` for the longest first. Raises InvalidFilter."""
        by = text.removeprefix("-")
        if by not in _COLUMNS:
            near = find_closest_match(by, _COLUMNS)
            hint = f"did you mean '{near}'?" if near else f"known are {', '.join(_COLUMNS)}"
            message = f"can't sort by '{by}'; {hint}"
            raise InvalidFilter(f"sort: {message}", [Problem("sort", message)])
        return cls(by, descending=text != by)

    @property
    def column(self) -> str:
        """The column of runs."""
        return _COLUMNS[self.by]

    @property
    def never_null(self) -> bool:
        """Whether every run has a value."""
        return self.by == "created"

    @property
    def field(self) -> str:
        """What the query language calls it."""
        return {"tokens": "total_tokens"}.get(self.by, self.by)

    @property
    def reversed(self) -> Order:
        """The same from the other end."""
        return Order(self.by, descending=not self.descending)

    def behind(self, run: Run) -> Cursor:
        """Where the page after `run` begins."""
        value = getattr(run, self.column)
        return Cursor(run.created_at if value is None else value, run.pk, self)

    def __str__(self) -> str:
        return f"-{self.by}" if self.descending else self.by


NEWEST_FIRST = Order()


class Cursor(NamedTuple):
    """The run after which a page begins, and in which order. It stays right while runs arrive or go.

    `value` is what it is sorted by: when it was created, too, where it has no value in the order.
    """

    value: datetime | int
    id: uuid.UUID
    order: Order = NEWEST_FIRST

    @property
    def is_valueless(self) -> bool:
        """Whether the run has no value in an order in which it may have none."""
        return not self.order.never_null and isinstance(self.value, datetime)

    @classmethod
    def parse(cls, text: str, order: Order = NEWEST_FIRST) -> Cursor:
        """Read what `str()` gave, for a list in `order`. Raises InvalidFilter."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            cursor = cls._read(raw)
        except (ValueError, binascii.Error, OverflowError, InvalidFilter) as error:
            raise _refusal("not a cursor") from error
        if str(cursor) != text:  # base64 and uuid read more than they write
            raise _refusal("not a cursor")
        if cursor.order != order:
            raise _refusal(f"belongs to a list sorted by {cursor.order}")
        return cursor

    @classmethod
    def _read(cls, raw: str) -> Cursor:
        value, key, *sort = raw.split(" ")
        order = Order.parse(*sort) if sort else NEWEST_FIRST
        return cls(_value(order, value), uuid.UUID(key), order)

    def __str__(self) -> str:
        value = self.value.astimezone(UTC).isoformat() if isinstance(self.value, datetime) else self.value
        sort = "" if self.order == NEWEST_FIRST else f" {self.order}"
        return base64.urlsafe_b64encode(f"{value} {self.id}{sort}".encode()).decode().rstrip("=")


def _value(order: Order, text: str) -> datetime | int:
    """A run's value in `order`, from how a cursor writes it. Raises ValueError."""
    if order.never_null or "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC)
    number = int(text)
    if abs(number) >= -MISSING_SORT_VALUE:
        raise ValueError("no bigint")
    return number


def _refusal(message: str) -> InvalidFilter:
    return InvalidFilter(f"cursor: {message}", [Problem("cursor", message)])
