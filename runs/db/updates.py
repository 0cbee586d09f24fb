"""Updates of many rows to different values, in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from runs.db import sql


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set `columns` of the rows with those primary keys.

    Django's `bulk_update` builds an expression for each value, which takes longer than the statement itself.

    Args:
        model: The model.
        columns: Names of columns other than arrays.
        rows: The columns of the primary key and the values of `columns` for each row.
    """
    arrays = [list(values) for values in zip(*rows, strict=True)]
    if not arrays:
        return
    meta = model._meta
    types = {field.column: field.db_type(connection) for field in meta.concrete_fields}
    keys = [str(field.column) for field in meta.pk_fields]
    names = [*keys, *columns]
    changes = ", ".join(f"{name} = changed.{name}" for name in columns)
    sources = ", ".join(f"%s::{types[name]}[]" for name in names)
    same_key = " AND ".join(f"{meta.db_table}.{name} = changed.{name}" for name in keys)
    statement = (
        f"UPDATE {meta.db_table} SET {changes} FROM unnest({sources}) AS changed ({', '.join(names)}) "  # noqa: S608
        f"WHERE {same_key}"
    )
    with sql.open_cursor() as cursor:
        cursor.execute(statement, arrays)
