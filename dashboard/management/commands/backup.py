"""`manage.py backup`: write the whole database to one file, or check such a file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import DatabaseError

from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.recording import build_backup_name, make_backup_file, make_backup_stream
from dashboard.server.backup.verification import describe_manifest, verify_backup
from dashboard.server.database import describe_database_error
from runs.management.progress import ProgressBar
from runs.models import BackupRecord

_INTERRUPTED = 130  # exit code
STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    """Back up the database."""

    help = "Write the database to one file, also while the site serves; with --verify, check such a file."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument(
            "path", metavar="PATH", help="the file to write, which must not exist; a directory; - for standard output"
        )
        parser.add_argument("--verify", action="store_true", help="check the backup PATH instead of writing one")
        parser.add_argument(
            "--with-secret-key",
            action="store_true",
            help="include the secret key, which signs sessions: keep the file as safe as the key",
        )

    def handle(self, *, path: str, verify: bool, with_secret_key: bool, **_: Any) -> None:
        """Write the backup, or check it."""
        try:
            if verify:
                self._verify(Path(path))
            else:
                self._back_up(path, settings.SECRET_KEY if with_secret_key else "")
        except BackupError as error:
            raise CommandError(f"{path}: {error}" if verify else str(error)) from error
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would fail to flush it at exit
            raise CommandError("The reader of the backup has ended: the backup is incomplete") from error
        except OSError as error:
            raise CommandError(f"Cannot {'read' if verify else 'write'} {path}: {error.strerror}") from error
        except DatabaseError as error:
            raise CommandError(describe_database_error(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted: there is no backup", returncode=_INTERRUPTED) from None

    def _verify(self, path: Path) -> None:
        with ProgressBar(sys.stderr, "B", label="Reading the backup") as progress:
            manifest = verify_backup(path, progress.show)
        self.stdout.write(f"{path} is complete and undamaged: {describe_manifest(manifest)}")

    def _back_up(self, path: str, secret_key: str) -> None:
        trigger = BackupRecord.Trigger.COMMAND
        if path == STANDARD_OUTPUT and sys.stdout.isatty():
            raise CommandError("Standard output is a terminal: redirect it, or name a file")
        with ProgressBar(sys.stderr, " rows", label="Backing up") as progress:
            if path == STANDARD_OUTPUT:
                make_backup_stream(sys.stdout.buffer, trigger, progress.show, secret_key)
                return
            target = Path(path).absolute()
            file = target / build_backup_name() if target.is_dir() else target
            make_backup_file(file, trigger, progress.show, secret_key)
        self.stdout.write(f"Wrote {file} ({file.stat().st_size:,} bytes)")
