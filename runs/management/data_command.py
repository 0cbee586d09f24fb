"""The base of commands that read or write the data."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from runs.db.migration_state import reject_unusable_database


class DataCommand(BaseCommand):
    """A command that needs a database of this version. Only `up` migrates it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command. Raises NotSupportedError if the database is older, newer or not completely restored."""
        reject_unusable_database()
        return super().execute(*args, **options)
