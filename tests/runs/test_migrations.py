"""Tests of the migrations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.operations import TrigramExtension
from django.db import NotSupportedError, ProgrammingError, connection

from runs.models import ErrorGroup
from tests import factories


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


@pytest.mark.django_db
def test_groups_of_expired_runs_are_reworded() -> None:
    migration = import_module("runs.migrations.0030_expired_error_sentence")
    project = factories.make_project()
    factories.post(project, factories.run_object(status="expired", expires_at=factories.NOW, completed_at=None))
    ErrorGroup.objects.update(template=migration.FORMER)
    migration.reword(apps, None)
    assert ErrorGroup.objects.get().template == migration.CURRENT
