"""Tests of the health checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_healthz_needs_no_database(client: Client) -> None:
    response = client.get("/healthz")  # without a test database, a query would fail
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
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
