"""Find out whether this version of the code can use a database: which migrations it has, and whether it is complete."""

from __future__ import annotations

from django.db import NotSupportedError, connection
from django.db.migrations.loader import MigrationLoader

from runs import __version__

# The table that exists while a backup is being restored.
RESTORE_MARKER_TABLE = "restore_in_progress"
_RELEASE_TABLE = "schema_release"
_LAST_RELEASE = f"SELECT version FROM {_RELEASE_TABLE} ORDER BY id DESC LIMIT 1"  # noqa: S608 - a constant


def find_unknown_migrations(loader: MigrationLoader) -> list[str]:
    """Return the names of the applied migrations that this version does not have, of the apps that it has."""
    applied = loader.applied_migrations or {}
    return sorted(
        name for app, name in applied if app in loader.migrated_apps and (app, name) not in loader.disk_migrations
    )


def reject_unusable_database() -> None:
    """Raise NotSupportedError, with what to do, if commands can't use the database.

    It is empty or older, and `up` has to migrate it first; it is newer; or a restore was not completed.
    """
    loader = MigrationLoader(connection)
    reject_incomplete_restore()
    reject_newer_schema(loader)
    if loader.disk_migrations.keys() - (loader.applied_migrations or {}).keys():
        raise NotSupportedError(
            "The database is not set up for this version of Runglass: run `up` once, which migrates it"
        )


def reject_incomplete_restore() -> None:
    """Raise NotSupportedError if a restore into this database was interrupted, or is running."""
    if RESTORE_MARKER_TABLE in connection.introspection.table_names():
        raise NotSupportedError("A restore of this database is not complete: run `restore` again")


def reject_newer_schema(loader: MigrationLoader) -> None:
    """Raise NotSupportedError, with the version that is needed, if a newer one has migrated the database."""
    if unknown := find_unknown_migrations(loader):
        release = _read_last_release()
        needed = f"Runglass {release} or newer" if release else "the version of Runglass that used it last"
        raise NotSupportedError(
            f"This database needs {needed}, which has migrated it ({unknown[-1]}); this is version {__version__}. "
            "Start that version, or restore a backup from before the upgrade"
        )


def _read_last_release() -> str:
    """Return the version that migrated the database last; "" if that is not recorded."""
    if _RELEASE_TABLE not in connection.introspection.table_names():
        return ""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_RELEASE)
        row = cursor.fetchone()
    return str(row[0]) if row else ""
