"""The time limit of reads, which Postgres enforces.

`SET LOCAL` needs a transaction, and unlike a setting of the session it also works behind a pooler in transaction mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg.pq import TransactionStatus

from runs.db import sql
from runs.errors import QueryTimeout

# A statement gets the time that was left when the timeout was last set. Setting it before each one costs a round trip.
_RENEW_SECONDS = 1.0


@contextmanager
def limit_query_time(seconds: float) -> Iterator[None]:
    """Let the queries in this block take `seconds` at most, all together.

    They run in one transaction, which begins with the first of them. A block within another one is a savepoint, so
    that the outer block can go on after a timeout of the inner one.

    Raises:
        QueryTimeout: the time is over.
    """
    outer = _current_limit.get()
    if outer is not None:
        with transaction.atomic(), outer.shorten(seconds):
            yield
        return
    limit = _QueryTimeLimit(seconds)
    token = _current_limit.set(limit)
    try:
        with limit.transaction, connection.execute_wrapper(limit.execute):
            yield
    finally:
        _current_limit.reset(token)


def limit_statement_time(seconds: float) -> None:
    """Let no single statement of the current transaction take longer, nor a fetch of rows from a cursor.

    For streams, whose total time depends on the client.
    """
    _execute_unlogged(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")  # 0 would mean no limit


class _QueryTimeLimit:
    """The limit of one thread: executes statements with the time that is left."""

    def __init__(self, seconds: float) -> None:
        self.transaction = ExitStack()
        self._deadline = monotonic() + seconds
        self._renew_at = 0.0
        self._is_started = False

    @contextmanager
    def shorten(self, seconds: float) -> Iterator[None]:
        """End the statements in this block after `seconds` at the latest."""
        deadline, self._deadline = self._deadline, min(self._deadline, monotonic() + seconds)
        self._renew_at = 0.0
        try:
            yield
        finally:
            self._deadline, self._renew_at = deadline, 0.0

    def execute(self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement. Django calls this for every statement of a cursor of its own."""
        if _transaction_status() == TransactionStatus.INERROR:
            return execute(statement, params, many, context)  # only a rollback can succeed
        now = monotonic()
        if now >= self._deadline:
            raise QueryTimeout
        if not connection.in_atomic_block:
            self._begin()
        elif not self._is_started:
            self.transaction.callback(_reset_timeout)
        self._is_started = True
        if now >= self._renew_at:
            limit_statement_time(self._deadline - now)
            self._renew_at = now + _RENEW_SECONDS
        try:
            return execute(statement, params, many, context)
        except OperationalError as error:
            if sql.is_statement_timeout(error):
                raise QueryTimeout from error
            raise

    def _begin(self) -> None:
        self.transaction.enter_context(transaction.atomic())
        self.transaction.callback(_abandon_broken_transaction)
        self._renew_at = 0.0


_current_limit: ContextVar[_QueryTimeLimit | None] = ContextVar("query_time_limit", default=None)


def _transaction_status() -> TransactionStatus:
    session = connection.connection
    return TransactionStatus.UNKNOWN if session is None else session.info.transaction_status


def _abandon_broken_transaction() -> None:
    """Roll back instead of committing, which would raise an error although the response is complete."""
    if connection.in_atomic_block and _transaction_status() != TransactionStatus.INTRANS:
        transaction.set_rollback(True)


def _reset_timeout() -> None:
    """Reset the timeout in a transaction of the caller, which goes on. Our own takes the timeout along."""
    if connection.in_atomic_block and _transaction_status() == TransactionStatus.INTRANS:
        _execute_unlogged("SET LOCAL statement_timeout TO DEFAULT")


def _execute_unlogged(statement: str) -> None:
    """Execute a statement that is none of the page's own, so that tests and logs of queries leave it out."""
    with sql.open_cursor() as cursor:
        cursor.execute(statement)
