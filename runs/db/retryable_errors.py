"""Errors of the database after which a transaction can be run again."""

from __future__ import annotations

import psycopg
from django.db import OperationalError

_RETRYABLE_ERRORS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


def is_retryable(error: OperationalError) -> bool:
    """Return whether Postgres ended a transaction only because of another one."""
    return isinstance(error.__cause__, _RETRYABLE_ERRORS)
