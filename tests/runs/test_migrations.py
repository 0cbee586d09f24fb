"""Tests of the migrations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.contrib.postgres.operations import TrigramExtension
from django.db import NotSupportedError, ProgrammingError, connection


@pytest.mark.django_db
def test_missing_pg_trgm_privilege_is_explained(monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise ProgrammingError('permission denied to create extension "pg_trgm"\nHINT: Must have CREATE privilege.')

    monkeypatch.setattr(TrigramExtension, "database_forwards", refuse)
    operation = import_module("runs.migrations.0001_initial").CreateTrigramExtension()
    with connection.schema_editor() as editor, pytest.raises(NotSupportedError) as raised:
        operation.database_forwards("runs", editor, None, None)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith("CREATE EXTENSION pg_trgm")
