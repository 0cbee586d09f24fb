"""`manage.py up`: set everything up and serve the site until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection
from django.db.utils import DatabaseError, NotSupportedError

from dashboard.server import startup_checks
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.upgrade_backup import make_upgrade_backup, needs_upgrade_backup
from dashboard.server.bootstrap import create_initial_credentials
from dashboard.server.configuration_checks import find_configuration_problems
from dashboard.server.data_directory_lock import lock_data_directory
from dashboard.server.database import EMBEDDED_ENGINE, describe_database_error
from dashboard.server.granian_server import DEFAULT_GRACE_SECONDS
from dashboard.server.listen_address import ListenAddress, ListenAddressError, bind_address
from dashboard.server.migration_progress import migrate_with_progress
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.privileges import drop_privileges
from dashboard.server.postgres.errors import EmbeddedPostgresError
from dashboard.server.postgres.sessions import get_postgres_session
from dashboard.server.serving import serve
from dashboard.server.tls_files import TlsFilesError, load_tls_files
from runs.management.arguments import resolve_project
from runs.management.progress import ProgressBar


class Command(BaseCommand):
    """The command."""

    help = "Start the database, migrate it, and serve the site until Ctrl-C"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument("--workers", type=int, default=2, help="number of worker processes (default: 2)")
        parser.add_argument("--tls-cert", metavar="FILE", help="serve TLS with this certificate chain, in PEM")
        parser.add_argument("--tls-key", metavar="FILE", help="the key of the certificate, in PEM")
        parser.add_argument(
            "--grace",
            type=_parse_seconds,
            default=DEFAULT_GRACE_SECONDS,
            metavar="SECONDS",
            help=f"time that running requests have at the end (default: {DEFAULT_GRACE_SECONDS})",
        )
        parser.add_argument(
            "--no-backup", action="store_true", help="migrate the data of an older version without a backup before"
        )
        parser.add_argument("--demo", action="store_true", help="load generated demo runs into the project `default`")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, grace: int, **options: Any) -> None:
        """Set everything up and serve the site. Raises CommandError, with a one-line message, if it can't."""
        for signum in (signal.SIGINT, signal.SIGTERM):  # shell scripts start `&` jobs with SIGINT ignored
            signal.signal(signum, _raise_keyboard_interrupt)
        try:
            tls = load_tls_files(options["tls_cert"], options["tls_key"])
            self._check_configuration(host, has_tls=tls is not None)
            # 1. Become an unprivileged user; reserve the address, the data directory and the database.
            drop_privileges(settings.DATA_DIR, port)
            address = bind_address(host, port, workers, tls)
            with lock_data_directory(settings.DATA_DIR), _run_embedded_database():
                # 2. Check the database and bring it up to date.
                startup_checks.reject_old_postgres()
                startup_checks.reject_foreign_schema()
                if not options["no_backup"]:
                    self._back_up_older_data()
                migrate_with_progress(sys.stderr)
                # 3. Prepare what is served.
                self._collect_static_files()
                self._create_initial_credentials()
                if demo:
                    self._load_demo()
                # 4. Serve until Ctrl-C.
                self.stderr.write(f"Data directory: {settings.DATA_DIR}")
                self._serve(address, workers, grace)
        except KeyboardInterrupt:
            self.stderr.write("Stopped")
        except OSError as error:
            raise CommandError(
                f"Cannot use the data directory {settings.DATA_DIR}: {error.strerror} ({error.filename}). "
                "Set RUNGLASS_DATA_DIR to a directory that you own"
            ) from error
        except (ListenAddressError, OsUserError, EmbeddedPostgresError, NotSupportedError, TlsFilesError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(describe_database_error(error)) from error

    def _check_configuration(self, host: str, *, has_tls: bool) -> None:
        problems = find_configuration_problems(host, has_tls=has_tls)
        if errors := [problem.message for problem in problems if problem.is_error]:
            raise CommandError(". ".join(errors))
        for problem in problems:
            self.stderr.write(f"Warning: {problem.message}")

    def _back_up_older_data(self) -> None:
        if not needs_upgrade_backup():
            return
        try:
            with ProgressBar(sys.stderr, " rows", label="Backing up before the upgrade", announce=True) as progress:
                path = make_upgrade_backup(settings.DATA_DIR, progress.show)
        except BackupError as error:
            raise CommandError(f"{error}. Nothing is changed; `up --no-backup` upgrades without a backup") from error
        self.stderr.write(f"Wrote {path}")

    def _collect_static_files(self) -> None:
        if startup_checks.are_static_files_outdated():
            self.stderr.write("Collecting static files")
            startup_checks.collect_static_files()

    def _create_initial_credentials(self) -> None:
        if credentials := create_initial_credentials():
            self.stdout.write(f"\n{credentials}\n\n")
            self.stdout.flush()

    def _load_demo(self) -> None:
        from runs.demo.loading import load_demo  # large and rarely needed

        project = resolve_project("default")
        with ProgressBar(sys.stderr, " runs", label="Loading demo runs", announce=True) as progress:
            load_demo(project, progress.show)

    def _serve(self, address: ListenAddress, workers: int, grace_seconds: int) -> None:
        def on_ready() -> None:
            public = f", for people at {settings.SITE_URL}" if settings.SITE_URL else ""
            self.stdout.write(f"Runglass is ready at {address.url}{settings.SITE_PATH[1:]}{public}")
            self.stdout.flush()

        serve(address, workers, grace_seconds, on_ready)


def _parse_seconds(text: str) -> int:
    """Return the value of `--grace`. Raises ValueError, which argparse reports."""
    if (seconds := int(text)) < 1:
        raise ValueError
    return seconds


@contextmanager
def _run_embedded_database() -> Generator[None]:
    """Run the embedded server during the block, unless DATABASE_URL is set. If the server fails, `up` stops, too."""
    if settings.DATABASES["default"]["ENGINE"] != EMBEDDED_ENGINE:
        yield
        return
    session = get_postgres_session(settings.DATA_DIR)
    server = session.own(on_failure=lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield
    finally:
        connection.close()
        session.close(wait_for_guests=False)
        if server.failure is not None:  # this failure caused the SIGTERM
            raise server.failure


def _raise_keyboard_interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
