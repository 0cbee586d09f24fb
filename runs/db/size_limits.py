"""Read only as many rows as fit into a limit of memory, however large each is."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.db.models.functions import Coalesce, RowNumber

QuerySetT = TypeVar("QuerySetT", bound=models.QuerySet[Any])


def take_within_bytes(
    rows: QuerySetT, order: tuple[str, ...], column: str, *, max_rows: int, max_bytes: int
) -> QuerySetT:
    """Return the first of `rows` in `order`, as long as the texts in `column` together have at most `max_bytes`.

    The first row is always among them. Each has the annotations `number`, its position from 1, and `row_count`, the
    number of all `rows`. Postgres knows the sizes without reading the texts.
    """
    size = _measure_bytes(column)
    bytes_up_to = models.Window(models.Sum(size), order_by=order, frame=models.RowRange(start=None, end=0))
    numbered = _number_rows(rows, order).annotate(bytes_up_to=bytes_up_to)
    fits = models.Q(bytes_up_to__lte=max_bytes) | models.Q(number=1)
    return numbered.filter(fits, number__lte=max_rows).order_by(*order)


def take_all_or_first(
    rows: QuerySetT, order: tuple[str, ...], column: str, *, max_rows: int, max_bytes: int
) -> QuerySetT:
    """Return all `rows` in `order` if they are within both limits, otherwise only the first.

    The limits and annotations are those of `take_within_bytes`.
    """
    numbered = _number_rows(rows, order).annotate(byte_count=models.Window(models.Sum(_measure_bytes(column))))
    is_within_limits = models.Q(row_count__lte=max_rows, byte_count__lte=max_bytes)
    return numbered.filter(is_within_limits | models.Q(number=1)).order_by(*order)


def _measure_bytes(column: str) -> models.Func:
    text = Coalesce(column, models.Value(""))
    return models.Func(text, function="octet_length", output_field=models.BigIntegerField())


def _number_rows(rows: QuerySetT, order: tuple[str, ...]) -> QuerySetT:
    return rows.annotate(number=models.Window(RowNumber(), order_by=order), row_count=models.Window(models.Count("*")))
