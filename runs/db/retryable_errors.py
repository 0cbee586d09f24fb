"""Errors of the database after which a transaction can be run again."""

from __future__ import annotations

import psycopg
from django.db import DatabaseError

_RETRYABLE_ERRORS = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,  # another one has inserted the row
    psycopg.errors.ForeignKeyViolation,  # another one has deleted what the row refers to
)


def is_retryable(error: DatabaseError) -> bool:
    """Return whether Postgres ended a transaction only because of another one."""
    return isinstance(error.__cause__, _RETRYABLE_ERRORS)
