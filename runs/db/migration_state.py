"""Which migrations of another version of the code a database has."""

from __future__ import annotations

from django.db.migrations.loader import MigrationLoader


def find_unknown_migrations(loader: MigrationLoader) -> list[str]:
    """Return the names of the applied migrations that this version does not have, of the apps that it has."""
    applied = loader.applied_migrations or {}
    return sorted(
        name for app, name in applied if app in loader.migrated_apps and (app, name) not in loader.disk_migrations
    )
