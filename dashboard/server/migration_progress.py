"""Migrate the database with a progress bar."""

from __future__ import annotations

from typing import TextIO

from dashboard.server import startup_checks
from runs.management.progress import ProgressBar


def migrate_with_progress(stream: TextIO) -> None:
    """Apply the migrations that the database lacks, and show the progress on `stream`."""
    if pending := startup_checks.count_pending_migrations():
        with ProgressBar(
            stream, " migrations", label="Migrating the database", total=pending, announce=True
        ) as progress:
            startup_checks.apply_migrations(pending, progress.show)
