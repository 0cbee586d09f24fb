"""Check the database, and bring its tables and the static files up to date, before pages are served."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from dashboard.server.database import MIN_POSTGRES_VERSION
from runs import __version__
from runs.db.migration_state import reject_incomplete_restore, reject_newer_schema
from runs.models import SchemaRelease

# Files that no page uses. Compressing them takes seconds, and some refer to files that don't exist.
UNUSED_STATIC_FILES = [
    "django_htmx/ext/*",
    "django_htmx/htmx-4*",
    "django_htmx/htmax-4*",
    "rest_framework/*",
]


def reject_old_postgres() -> None:
    """Raise NotSupportedError if the database server is older than the minimum version."""
    connection.ensure_connection()
    major_version, _ = connection.get_database_version()
    if major_version < MIN_POSTGRES_VERSION:
        raise NotSupportedError(
            f"The server of DATABASE_URL runs Postgres {major_version}, but Runglass needs {MIN_POSTGRES_VERSION} or "
            "newer. Upgrade it, or unset DATABASE_URL to use the embedded server"
        )


def reject_foreign_schema() -> None:
    """Raise NotSupportedError if the database can't be migrated: another version of Runglass created it.

    A later version has more migrations. The first unreleased versions had one of the same name that created fewer
    tables. An interrupted restore has left a database that is not complete.
    """
    loader = MigrationExecutor(connection).loader
    reject_incomplete_restore()
    reject_newer_schema(loader)
    applied = [key for key in loader.applied_migrations if key[0] == "runs"]
    state = loader.project_state(applied).apps
    expected = {model._meta.db_table for model in state.get_app_config("runs").get_models()} if applied else set()
    if missing := sorted(expected - set(connection.introspection.table_names())):
        raise NotSupportedError(
            f"This database was created by another version of Runglass and cannot be upgraded (no table {missing[0]}). "
            "Start that version, or export its runs with it (export_runs), set RUNGLASS_DATA_DIR or DATABASE_URL to an "
            "empty database, and import them (import_runs)"
        )


def count_pending_migrations() -> int:
    """Return the number of migrations that are not applied yet."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def apply_migrations(pending: int, report_progress: Callable[[int, int], None]) -> None:
    """Apply all migrations, and record the version that did. Call `report_progress(done, pending)` after each."""

    class Migrate(migrate.Command):
        done = 0

        def migration_progress_callback(self, action: str, *_: object, **__: object) -> None:
            if action == "apply_success":
                self.done += 1
                report_progress(self.done, pending)

    call_command(Migrate(), interactive=False, verbosity=0, skip_checks=True)
    SchemaRelease.objects.create(version=__version__)


def are_static_files_outdated() -> bool:
    """Return whether the static files have changed since they were collected."""
    path = _fingerprint_path()
    return not path.exists() or path.read_text() != _compute_fingerprint()


def collect_static_files() -> None:
    """Collect, hash and compress the static files into STATIC_ROOT."""
    _fingerprint_path().unlink(missing_ok=True)
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command(
        "collectstatic",
        interactive=False,
        clear=True,
        verbosity=0,
        ignore_patterns=UNUSED_STATIC_FILES,
        skip_checks=True,
    )
    _fingerprint_path().write_text(_compute_fingerprint())


def _fingerprint_path() -> Path:
    return Path(settings.STATIC_ROOT).with_suffix(".fingerprint")


def _compute_fingerprint() -> str:
    """Return a digest that changes if a static file, or the storage, changes."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for app in apps.get_app_configs():
        digest.update(app.name.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
