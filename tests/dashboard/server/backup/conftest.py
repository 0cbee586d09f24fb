"""A database with demo runs, a backup of it, and empty databases to restore it into."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore

from dashboard.server.backup.recording import make_backup_file
from dashboard.server.startup_checks import apply_migrations
from runs.demo.generate import generate_lifecycles
from tests.dashboard.server.backup.databases import temporary_database, use_database
from tests.factories import NOW, make_project, post, post_steps

RUNS = 6


@pytest.fixture(scope="package")
def source(django_db_blocker: Any) -> Generator[str]:
    """The name of a database with runs, steps and a session."""
    with temporary_database(f"source_{os.getpid()}") as name, django_db_blocker.unblock():
        with use_database(name):
            apply_migrations(0, lambda *_: None)
            project = make_project()
            for lifecycle in generate_lifecycles(runs=RUNS, days=3, end=NOW):
                post(project, *lifecycle.earlier, lifecycle.run)
                post_steps(project, *lifecycle.steps)
            SessionStore().create()
        yield name


@pytest.fixture(scope="package")
def backup(source: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """A backup of that database, with a secret key."""
    with django_db_blocker.unblock(), use_database(source):
        path = tmp_path_factory.mktemp("backup") / "1.tar"
        assert make_backup_file(path, "command", ignore_progress, "key of the source")
        return path


@pytest.fixture
def empty_database(django_db_blocker: Any) -> Generator[str]:
    """An empty database, which Django uses during the test."""
    with (
        temporary_database(f"target_{os.getpid()}") as name,
        django_db_blocker.unblock(),
        use_database(name),
    ):
        yield name


def ignore_progress(done: int, total: int | None, details: str) -> None:
    """Show nothing."""


@pytest.fixture
def damage(backup: Path, tmp_path: Path) -> Callable[[Callable[[bytes], bytes]], Path]:
    """Return a changed copy of the backup."""

    def write(change: Callable[[bytes], bytes]) -> Path:
        path = tmp_path / "changed.tar"
        path.write_bytes(change(backup.read_bytes()))
        return path

    return write
