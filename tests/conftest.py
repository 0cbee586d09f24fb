"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, TestCase

from runs.enrichment import tool_call_validation
from runs.models import Project, User
from runs.protocol.fields import ProtocolField
from runs.rollups import compaction
from tests import factories

ROOT = Path(__file__).parent
# In this order: tests with browsers and processes take most of the time, and would otherwise be left for one process.
SLOW_DIRECTORIES = ("browser", "faults", "clients", "dashboard/server")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of slow directories first."""
    items.sort(key=lambda item: _slowness_rank(item.path))


def _slowness_rank(path: Path) -> int:
    ranks = [rank for rank, name in enumerate(SLOW_DIRECTORIES) if path.is_relative_to(ROOT / name)]
    return ranks[0] if ranks else len(SLOW_DIRECTORIES)


@pytest.fixture(autouse=True)
def fast_password_hasher(settings: Any) -> None:
    """Hash passwords fast and unsafely: a safe hash would take most of the time of a login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def restarted_clock() -> None:
    """Build records with the same times, whichever tests ran before in the process."""
    factories.restart_clock()


@pytest.fixture(autouse=True)
def no_random_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn off the compaction of rollups after random writes. Tests compact explicitly."""
    monkeypatch.setattr(compaction, "_WRITES_PER_COMPACTION", 10**9)


@pytest.fixture(autouse=True)
def patient_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages wait for the validation of tool calls, however busy the machine is."""
    monkeypatch.setattr(tool_call_validation, "PAGE_TIMEOUT", 60.0)


@pytest.fixture(scope="session", autouse=True)
def kept_connection() -> None:
    """Keep the connection between tests: a new one would load the catalog of all tables again in each test."""

    def tear_down_class(cls: type[TestCase]) -> None:
        if cls._databases_support_transactions():  # type: ignore[attr-defined]
            cls._rollback_atomics(cls.cls_atomics)  # type: ignore[attr-defined]
        super(TestCase, cls).tearDownClass()

    TestCase.tearDownClass = classmethod(tear_down_class)  # type: ignore[method-assign, assignment]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Close the database sessions of aborted browser requests at the end, so that the database can be dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project()


@pytest.fixture
def member(project: Project) -> User:
    return factories.make_user(project)


@pytest.fixture
def member_client(member: User) -> Client:
    """A client in which `member` is logged in."""
    client = Client()
    client.force_login(member)
    return client


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return the id of a parameter whose representation contains a memory address."""
    return val.name if isinstance(val, ProtocolField) else None
