"""Keyset pagination: a page starts after a position in the sort order, at the same cost for any depth."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from django.db.models import F, OuterRef, QuerySet, Value
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

RecordQuerySet = TypeVar("RecordQuerySet", bound=QuerySet[Any])

# Stands for a missing value in a sort order. It is less than any stored number. (The smallest bigint itself can't be
# written as a bigint in SQL: it is parsed as a negated number, which is out of range.)
MISSING_SORT_VALUE = 1 - 2**63

_SORT_COLUMNS = {"created": "created_at", "duration": "duration_ms", "tokens": "total_tokens", "cost": "cost"}
# The names of the values that runs can be sorted by.
SORT_NAMES = tuple(_SORT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Order:
    """A sort order of runs, written as `duration`, or as `-duration` for the longest first.

    A run without a value counts as less than all others. Runs without a value are sorted among themselves by time,
    newest first, in both directions.
    """

    by: str = "created"
    descending: bool = True

    @classmethod
    def from_text(cls, text: str) -> Order:
        """Parse the text form. Raises ValueError for an unknown name."""
        by = text.removeprefix("-")
        if by not in _SORT_COLUMNS:
            raise ValueError(by)
        return cls(by, descending=text != by)

    @property
    def column(self) -> str:
        """The column of `Run`."""
        return _SORT_COLUMNS[self.by]

    @property
    def is_never_null(self) -> bool:
        """Return whether every run has a value."""
        return self.by == "created"

    @property
    def query_field(self) -> str:
        """The name of the value in the query language."""
        return {"tokens": "total_tokens"}.get(self.by, self.by)

    @property
    def reversed(self) -> Order:
        """The order in the opposite direction."""
        return Order(self.by, descending=not self.descending)

    def cursor_at(self, run: Any) -> Cursor:
        """Return the cursor after which the page that follows `run` starts."""
        value = getattr(run, self.column)
        return Cursor(run.created_at if value is None else value, run.pk, self)

    def __str__(self) -> str:
        return f"-{self.by}" if self.descending else self.by


NEWEST_FIRST = Order()


class Cursor(NamedTuple):
    """The position of a run in an order. A page after a cursor stays correct while runs arrive or are deleted.

    `value` is the run's value in the order, or its creation time if it has none.
    """

    value: datetime | int
    id: uuid.UUID
    order: Order = NEWEST_FIRST

    @property
    def is_missing_sort_value(self) -> bool:
        """Return whether the run has no value in an order that allows none."""
        return not self.order.is_never_null and isinstance(self.value, datetime)

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """Parse the result of `str(cursor)`. Raises ValueError or OverflowError."""
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        value, run_id, *sort = raw.split(" ")
        order = Order.from_text(" ".join(sort)) if sort else NEWEST_FIRST
        cursor = cls(_parse_sort_value(order, value), uuid.UUID(run_id), order)
        if str(cursor) != text:  # base64 and uuid accept more than one spelling
            raise ValueError(text)
        return cursor

    def __str__(self) -> str:
        value = self.value.astimezone(UTC).isoformat() if isinstance(self.value, datetime) else self.value
        sort = "" if self.order == NEWEST_FIRST else f" {self.order}"
        return base64.urlsafe_b64encode(f"{value} {self.id}{sort}".encode()).decode().rstrip("=")


def _parse_sort_value(order: Order, text: str) -> datetime | int:
    if order.is_never_null or "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC)
    number = int(text)
    if abs(number) >= -MISSING_SORT_VALUE:
        raise ValueError("not a bigint")
    return number


def is_after(columns: Sequence[str], position: Sequence[Any], *, descending: bool) -> TupleLessThan | TupleGreaterThan:
    """Return the condition that a record comes after `position` in the order of `columns`, none of which is null.

    Postgres compares the row as one value, so an index over the columns is entered right at the position.
    """
    compare = TupleLessThan if descending else TupleGreaterThan
    return compare(tuple(map(F, columns)), tuple(position))


def is_up_to(
    columns: Sequence[str], position: Sequence[Any], *, descending: bool
) -> TupleGreaterThanOrEqual | TupleLessThanOrEqual:
    """Return the condition that a record comes before `position` or is at it; the negation of `is_after`."""
    compare = TupleGreaterThanOrEqual if descending else TupleLessThanOrEqual
    return compare(tuple(map(F, columns)), tuple(position))


def precedes_outer_row(*columns: str) -> LessThan:
    """Return the condition, in a subquery, that a record comes before the outer query's record in ascending order.

    Django's tuple lookups take no tuple of `OuterRef`s, so this compares two tuples.
    """
    return LessThan(Tuple(*map(F, columns)), Tuple(*map(OuterRef, columns)))


def coalesce_missing(column: str) -> Coalesce:
    """Return a numeric column with `MISSING_SORT_VALUE` in place of null, so that all records can be sorted by it."""
    return Coalesce(column, Value(MISSING_SORT_VALUE))


def order_by_columns(records: RecordQuerySet, columns: Sequence[str], *, descending: bool) -> RecordQuerySet:
    """Order `records` by `columns`, all in the same direction."""
    sign = "-" if descending else ""
    return records.order_by(*(sign + column for column in columns))
