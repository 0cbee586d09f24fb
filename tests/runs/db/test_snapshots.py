"""Reading one state of the database."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from runs.db.snapshots import read_snapshot
from runs.models import Project
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_later_changes_are_not_seen() -> None:
    project = factories.make_project()
    with read_snapshot():
        assert Project.objects.count() == 1
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("DELETE FROM membership")
            other.execute("DELETE FROM project WHERE id = %s", [project.pk])
        assert Project.objects.count() == 1
    assert Project.objects.count() == 0


def test_outer_transaction_keeps_its_level(project: Project) -> None:
    with read_snapshot(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
