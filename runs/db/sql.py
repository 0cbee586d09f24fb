"""Statements of our own beside the ORM: for batches, where rows and round trips are what costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from django.db import DatabaseError, connection
from django.db.models import QuerySet

NumberedCursor = psycopg.RawCursor  # whose statements number their places, as Postgres does
# Executions after which a statement is prepared on the server without being asked to be.
_NEVER_PREPARE = 2**31


@contextmanager
def open_cursor(kind: type[psycopg.Cursor[Any]] = psycopg.Cursor) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor that sends parameters beside the statement, not written into it as Django's does.

    Long texts would have to be escaped otherwise. Errors are Django's. Statements that come again and again in the
    same words are worth `prepare=True`: planning one costs more than doing what it says for a row.
    """
    connection.ensure_connection()
    connection.connection.prepare_threshold = _NEVER_PREPARE
    with connection.wrap_database_errors, kind(connection.connection) as own:
        yield own


@contextmanager
def statement_timeout(milliseconds: int) -> Iterator[None]:
    """Let no statement of the transaction at hand that is run in here take longer (see `is_timeout`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))
        yield
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def is_statement_timeout(error: DatabaseError) -> bool:
    """Whether a statement failed because it took longer than it may."""
    return isinstance(error.__cause__, psycopg.errors.QueryCanceled)


@contextmanager
def pipeline() -> Iterator[None]:
    """Send the statements that follow without waiting for each answer. COPY can't be among them."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def compile_query(records: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """The statement of a query of the ORM, to go within another one, and its parameters.

    It is a statement even where the ORM knows that nothing can match, and would ask nothing.
    """
    statement, parameters = records.query.get_compiler(connection=connection, elide_empty=False).as_sql()
    return statement, tuple(parameters)


def copy_rows(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY `rows` of texts, numbers, times and uuids into `columns` of `table`.

    Postgres takes in the first rows while the next are written out. Times and uuids become text here, which the
    driver would take ten times as long for.
    """
    with open_cursor() as own, own.copy(f"COPY {table} ({columns}) FROM STDIN") as stream:
        for row in rows:
            stream.write_row(msgspec.to_builtins(row))


def format_array(elements: Iterable[str | int | None]) -> str:
    """`elements` as the text of an array, which the driver takes ten times as long to make of a list."""
    return "{" + ",".join("NULL" if each is None else _format_element(each) for each in elements) + "}"


def _format_element(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def values_placeholders(columns: int, rows: int, behind: int = 0) -> str:
    """`VALUES ($1, …), …` with places for so many rows of so many columns, behind so many other places.

    For a `cursor(Numbered)`: with hundreds of places, looking for each `%s` takes longer than the statement.
    """
    starts = range(behind + 1, behind + 1 + rows * columns, columns)
    return "VALUES " + ", ".join(f"(${', $'.join(map(str, range(start, start + columns)))})" for start in starts)
