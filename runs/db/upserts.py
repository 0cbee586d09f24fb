"""The SQL of the way in: reading rows by key, and one guarded upsert."""

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

# A key's uuid is kept as 32 hexadecimal digits: they sort like it, and texts compare and hash at C speed.
RowKey = tuple[Any, ...]
RowValues = list[Any]

# Up to here the rows travel in the statement itself; more are copied into a temporary table first.
_MAX_INLINE_ROWS = 32


@dataclass(frozen=True)
class UpsertTable:
    """The columns of one model's table that ingest writes, the key first."""

    model: type[models.Model]
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def read(self, keys: Iterable[RowKey]) -> Callable[[], dict[RowKey, dict[str, Any]]]:
        """Ask for the rows stored under `keys`; what is returned fetches them, by key.

        Within `sql.pipeline` other questions can be asked before the first is answered.
        """
        uuids, *others = zip(*keys, strict=True)
        # hexadecimal digits need no quoting, which would cost more than the look-up
        arrays = ["{" + ",".join(uuids) + "}", *map(list, others)]
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(self._select, arrays, prepare=True)

        def fetch() -> dict[RowKey, dict[str, Any]]:
            with cursor:
                return {self._key_of(row): self._decoded(row) for row in cursor.fetchall()}

        return fetch

    def insert(self, rows: Iterable[RowValues], count: int) -> int:
        """Write `count` rows that were not there when it was looked, and return how many were written.

        Of many, each is taken from `rows` while Postgres stores those before it. Raises IntegrityError where many
        are written and another writer was first with one.
        """
        if count <= _MAX_INLINE_ROWS:
            return self._write(list(rows))
        sql.copy_rows(self._table, self._names, map(self._encoded, rows))
        return count

    def upsert(self, rows: Sequence[RowValues]) -> int:
        """Write `rows`, in the order of their keys, and return how many were written.

        A row is written only over the version before its own, so what another writer changed meanwhile is not.
        Equal order in every writer keeps them from waiting for each other in a circle.
        """
        if len(rows) <= _MAX_INLINE_ROWS:
            return self._write(sorted(rows, key=self._by_key))
        with sql.open_cursor() as cursor:
            self._stage(cursor, rows)
            staged = f"SELECT {self._names} FROM {self._stage_name} ORDER BY {self._keys}"  # noqa: S608
            cursor.execute(f"INSERT INTO {self._table} ({self._names}) {staged} {self._on_conflict}")
            return len(cursor.fetchall())

    def _write(self, rows: Sequence[RowValues]) -> int:
        source = sql.values_placeholders(len(self.columns), len(rows))
        parameters = [value for row in rows for value in self._encoded(row)]
        with sql.open_cursor(sql.NumberedCursor) as cursor:
            statement = f"INSERT INTO {self._table} ({self._names}) {source} {self._on_conflict}"
            cursor.execute(statement, parameters, prepare=len(rows) == 1)
            return len(cursor.fetchall())

    def _key_of(self, row: RowValues) -> RowKey:
        parts = row[: len(self.key)]
        return tuple(part.hex if isinstance(part, uuid.UUID) else part for part in parts)

    def _stage(self, cursor: psycopg.Cursor[Any], rows: Iterable[RowValues]) -> None:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {self._stage_name} (LIKE {self._table}) ON COMMIT DELETE ROWS; "
            f"TRUNCATE {self._stage_name}"
        )
        sql.copy_rows(self._stage_name, self._names, map(self._encoded, rows))

    @cached_property
    def _table(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def _stage_name(self) -> str:
        return f"posted_{self._table}"

    @cached_property
    def _names(self) -> str:
        return ", ".join(self.columns)

    @cached_property
    def _keys(self) -> str:
        return ", ".join(self.key)

    @cached_property
    def _by_key(self) -> Callable[[RowValues], Any]:
        return itemgetter(*map(self.columns.index, self.key))

    @cached_property
    def _select(self) -> str:
        arrays = ", ".join(f"%s::{self._types[name]}[]" for name in self.key)
        wanted = f"ANY({arrays})" if len(self.key) == 1 else f"ANY(SELECT * FROM unnest({arrays}))"  # noqa: S608
        return f"SELECT {self._names} FROM {self._table} WHERE ({self._keys}) = {wanted}"  # noqa: S608

    @cached_property
    def _on_conflict(self) -> str:
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.key)
        return (
            f"ON CONFLICT ({self._keys}) DO UPDATE SET {changes} "
            f"WHERE {self._table}.version = excluded.version - 1 RETURNING {self._keys}"
        )

    @cached_property
    def _types(self) -> dict[str, str]:
        return {field.column or "": field.db_type(connection) or "" for field in self.model._meta.concrete_fields}

    @cached_property
    def _encoders(self) -> list[tuple[int, Callable[[Any], str]]]:
        by_type: dict[str, Callable[[Any], str]] = {
            "jsonb": _encode_json,
            "text[]": sql.format_array,
            "integer[]": sql.format_array,
        }
        return [
            (place, by_type[self._types[name]])
            for place, name in enumerate(self.columns)
            if self._types[name] in by_type
        ]

    def _encoded(self, row: RowValues) -> RowValues:
        """`row` itself, with texts in place of what the driver would not know how to write."""
        for place, encode in self._encoders:
            if row[place] is not None:
                row[place] = encode(row[place])
        return row

    def _decoded(self, row: RowValues) -> dict[str, Any]:
        found = dict(zip(self.columns, row, strict=True))
        if found.get("metadata") is not None:
            found["metadata"] = msgspec.json.decode(found["metadata"])  # Django has the driver leave jsonb as text
        return found


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
