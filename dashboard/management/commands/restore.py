"""`manage.py restore`: restore a backup into an empty instance."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import DatabaseError

from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.site_restoration import reject_newer_backup, restore_site
from dashboard.server.backup.verification import describe_manifest, verify_backup
from dashboard.server.data_directory_lock import lock_data_directory
from dashboard.server.database import describe_database_error
from dashboard.server.migration_progress import migrate_with_progress
from dashboard.server.postgres.errors import EmbeddedPostgresError
from runs.management.progress import ProgressBar

_INTERRUPTED = 130  # exit code


class Command(BaseCommand):
    """Restore a backup."""

    help = "Restore a backup into an empty instance: a new data directory, or a new database of DATABASE_URL."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("path", type=Path, metavar="PATH", help="the file that `backup` wrote")

    def handle(self, *, path: Path, **_: Any) -> None:
        """Verify the backup, restore it, and compare the result with its manifest."""
        try:
            settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
            with lock_data_directory(settings.DATA_DIR):
                self._restore(path)
        except BackupError as error:
            raise CommandError(f"{path}: {error}") from error
        except EmbeddedPostgresError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename or path}") from error
        except DatabaseError as error:
            raise CommandError(describe_database_error(error)) from error
        except KeyboardInterrupt:
            message = "Interrupted: the restore is not complete. Run it again, it begins anew"
            raise CommandError(message, returncode=_INTERRUPTED) from None

    def _restore(self, path: Path) -> None:
        with ProgressBar(sys.stderr, "B", label="Checking the backup", announce=True) as progress:
            manifest = verify_backup(path, progress.show)
        reject_newer_backup(manifest)
        with ProgressBar(sys.stderr, " rows", label="Restoring", announce=True) as progress:

            def migrate() -> None:
                progress.close()  # one bar at a time
                migrate_with_progress(sys.stderr)

            has_replaced_key = restore_site(path, progress.show, migrate)
        self.stdout.write(f"Restored {describe_manifest(manifest)}. Everybody has to sign in again")
        if has_replaced_key:
            self.stdout.write("The secret key of the backup has replaced the one of the data directory")
