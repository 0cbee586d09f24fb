"""Batch reads by key, inserts and version-guarded upserts, for ingest."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import msgspec
import psycopg
from django.db import connection, models

from runs.db import sql
from runs.db.poolers import is_pooled

# A UUID in a key is represented by its 32 hexadecimal digits: they sort like it, and strings compare and hash fast.
RowKey = tuple[Any, ...]
RowValues = list[Any]

# Up to this many rows are sent within the statement; more are first copied into a temporary table.
_MAX_INLINE_ROWS = 32


@dataclass(frozen=True)
class UpsertTable:
    """The columns of a model's table that ingest writes, the key columns first."""

    model: type[models.Model]
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def read(self, keys: Iterable[RowKey]) -> Callable[[], dict[RowKey, dict[str, Any]]]:
        """Send a query for the rows with those keys, and return a function that fetches them, by key.

        In `sql.pipeline`, more queries can be sent before the first result is fetched.
        """
        uuids, *others = zip(*keys, strict=True)
        # hexadecimal digits need no quoting, which would take longer than the look-up
        arrays = ["{" + ",".join(uuids) + "}", *map(list, others)]
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(self._select, arrays, prepare=True)

        def fetch() -> dict[RowKey, dict[str, Any]]:
            with cursor:
                return {self._key_of(row): self._decode(row) for row in cursor.fetchall()}

        return fetch

    def insert(self, rows: Iterable[RowValues], count: int) -> int:
        """Insert `count` rows that were not stored when the keys were read, and return how many were written.

        Many rows are copied, and each is taken from `rows` while Postgres stores those before it. In that case
        IntegrityError is raised if another writer has inserted one of them first.
        """
        if count <= _MAX_INLINE_ROWS:
            return self._upsert_inline(list(rows))
        sql.copy_rows(self._table, self._column_list, map(self._encode, rows))
        return count

    def upsert(self, rows: Sequence[RowValues]) -> int:
        """Insert or update `rows`, and return how many were written.

        A row only replaces the version before its own, so a concurrent change is never overwritten. Rows are written
        in order of key, which keeps concurrent writers from deadlocks.
        """
        if len(rows) <= _MAX_INLINE_ROWS:
            return self._upsert_inline(sorted(rows, key=self._get_key))
        with sql.open_cursor() as cursor:
            on_commit = "DROP" if is_pooled(connection) else "DELETE ROWS"
            # It has these columns only, and none of the constraints, so that others get their defaults when inserted.
            columns = f"SELECT {self._column_list} FROM {self._table} WITH NO DATA"  # noqa: S608
            cursor.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {self._staging_table} ON COMMIT {on_commit} AS {columns}; "
                f"TRUNCATE {self._staging_table}"
            )
            sql.copy_rows(self._staging_table, self._column_list, map(self._encode, rows))
            staged = f"SELECT {self._column_list} FROM {self._staging_table} ORDER BY {self._key_list}"  # noqa: S608
            cursor.execute(f"INSERT INTO {self._table} ({self._column_list}) {staged} {self._on_conflict}")
            return len(cursor.fetchall())

    def _upsert_inline(self, rows: Sequence[RowValues]) -> int:
        source = sql.values_placeholders(len(self.columns), len(rows))
        parameters = [value for row in rows for value in self._encode(row)]
        with sql.open_cursor(sql.NumberedCursor) as cursor:
            statement = f"INSERT INTO {self._table} ({self._column_list}) {source} {self._on_conflict}"
            cursor.execute(statement, parameters, prepare=len(rows) == 1)
            return len(cursor.fetchall())

    @cached_property
    def _table(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def _staging_table(self) -> str:
        return f"posted_{self._table}"

    @cached_property
    def _column_list(self) -> str:
        return ", ".join(self.columns)

    @cached_property
    def _key_list(self) -> str:
        return ", ".join(self.key)

    @cached_property
    def _get_key(self) -> Callable[[RowValues], Any]:
        return itemgetter(*map(self.columns.index, self.key))

    @cached_property
    def _select(self) -> str:
        arrays = ", ".join(f"%s::{self._column_types[name]}[]" for name in self.key)
        keys = f"ANY({arrays})" if len(self.key) == 1 else f"ANY(SELECT * FROM unnest({arrays}))"  # noqa: S608
        return f"SELECT {self._column_list} FROM {self._table} WHERE ({self._key_list}) = {keys}"  # noqa: S608

    @cached_property
    def _on_conflict(self) -> str:
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.key)
        return (
            f"ON CONFLICT ({self._key_list}) DO UPDATE SET {changes} "
            f"WHERE {self._table}.version = excluded.version - 1 RETURNING {self._key_list}"
        )

    @cached_property
    def _column_types(self) -> dict[str, str]:
        return {field.column or "": field.db_type(connection) or "" for field in self.model._meta.concrete_fields}

    @cached_property
    def _encoders(self) -> list[tuple[int, Callable[[Any], str]]]:
        by_type: dict[str, Callable[[Any], str]] = {
            "jsonb": _encode_json,
            "text[]": sql.format_array,
            "integer[]": sql.format_array,
        }
        return [
            (position, by_type[self._column_types[name]])
            for position, name in enumerate(self.columns)
            if self._column_types[name] in by_type
        ]

    def _encode(self, row: RowValues) -> RowValues:
        """Replace, in place, the values of `row` that the driver can't write by texts."""
        for position, encode in self._encoders:
            if row[position] is not None:
                row[position] = encode(row[position])
        return row

    def _key_of(self, row: RowValues) -> RowKey:
        return tuple(part.hex if isinstance(part, uuid.UUID) else part for part in row[: len(self.key)])

    def _decode(self, row: RowValues) -> dict[str, Any]:
        values = dict(zip(self.columns, row, strict=True))
        if values.get("metadata") is not None:
            values["metadata"] = msgspec.json.decode(values["metadata"])  # Django makes the driver return jsonb as text
        return values


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
