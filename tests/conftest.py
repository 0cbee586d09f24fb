"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from runs.models import Project, User
from runs.protocol.fields import ProtocolField
from runs.rollups import compaction
from tests import factories


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Passwords hashed for tests, not for safety: a slow hash would be most of a login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_folding_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums are folded after one write in many, which one is left to chance; tests fold when they mean to."""
    monkeypatch.setattr(compaction, "_WRITES_PER_COMPACTION", 10**9)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """At the end, sessions of requests that a browser left behind are closed: the database goes only without."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project()


@pytest.fixture
def member(project: Project) -> User:
    return factories.make_user(project)


@pytest.fixture
def member_client(member: User) -> Client:
    """A browser in which `member` is logged in."""
    client = Client()
    client.force_login(member)
    return client


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names for values whose representation holds an address, which differs between processes."""
    return val.name if isinstance(val, ProtocolField) else None
