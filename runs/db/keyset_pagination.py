"""Order and position in a list: a page begins behind a record, however far down that record is.

Used by `runs.querysets` and whoever pages; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import BooleanField, F, Func, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

RecordQuerySet = TypeVar("RecordQuerySet", bound=QuerySet[Any])
# Less than any number that is stored. The smallest bigint itself can't be written as one in SQL.
MISSING_SORT_VALUE = 1 - 2**63


class _Row(Func):
    """`ROW(a, b)`. Compared as one value it is what an index is entered with, so ties cost nothing."""

    template = "ROW(%(expressions)s)"
    output_field = BooleanField()


def filter_after(
    records: RecordQuerySet, columns: Sequence[str], position: Sequence[Any], *, descending: bool
) -> RecordQuerySet:
    """Those of `records` that come after `position` where `columns`, none of them null, give the order."""
    compare = LessThan if descending else GreaterThan
    return records.filter(compare(_Row(*map(F, columns)), _Row(*map(Value, position))))


def filter_up_to(
    records: RecordQuerySet, columns: Sequence[str], position: Sequence[Any], *, descending: bool
) -> RecordQuerySet:
    """All others of them: those before `position`, and the one that stands there."""
    compare = GreaterThanOrEqual if descending else LessThanOrEqual
    return records.filter(compare(_Row(*map(F, columns)), _Row(*map(Value, position))))


def coalesce_missing(column: str) -> Coalesce:
    """A number by which records without one can be ordered too, below all others."""
    return Coalesce(column, Value(MISSING_SORT_VALUE))


def order_by_columns(records: RecordQuerySet, columns: Sequence[str], *, descending: bool) -> RecordQuerySet:
    """`records` ordered by `columns`, all in one direction."""
    sign = "-" if descending else ""
    return records.order_by(*(sign + column for column in columns))


def precedes_outer_row(*columns: str) -> LessThan:
    """The condition, in a subquery, that a record comes before that of the outer query."""
    return LessThan(_Row(*map(F, columns)), _Row(*map(OuterRef, columns)))
