"""Tests of the health checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from runs import __version__


def test_healthz_needs_no_database(client: Client) -> None:
    response = client.get("/healthz")  # without a test database, a query would fail
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": __version__})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_ready_with_all_migrations(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_not_ready_without_a_migration(client: Client) -> None:
    for newest in MigrationLoader(connection).graph.leaf_nodes("runs"):
        MigrationRecorder(connection).record_unapplied(*newest)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "migrations are not applied" in response.json()["reason"]


@pytest.mark.django_db
def test_not_ready_with_migrations_of_a_newer_version(client: Client) -> None:
    MigrationRecorder(connection).record_applied("runs", "9999_from_the_future")

    assert "newer version" in client.get("/readyz").json()["reason"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SET LOCAL default_transaction_read_only = on", "read-only"),
        ("REVOKE INSERT ON run FROM CURRENT_USER", "may not write"),
    ],
)
def test_not_ready_unless_posts_would_work(client: Client, statement: str, reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    response = client.get("/readyz")

    assert response.status_code == 503
    assert reason in response.json()["reason"]


@pytest.mark.django_db
def test_not_ready_without_disk_space(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.web.health_views.has_disk_space", lambda: False)

    assert client.get("/readyz").json()["reason"] == "the disk of the database is full"


@pytest.mark.parametrize("error", [OperationalError("secret host"), InterfaceError("connection already closed")])
def test_not_ready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(connection, "cursor", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unready", "reason": "the database is not available"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_post_is_not_allowed(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
