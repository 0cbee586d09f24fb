"""`manage.py up`: everything, from nothing to a running site, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection
from django.db.utils import NotSupportedError, OperationalError

from dashboard.server import startup_checks
from dashboard.server.bootstrap import create_initial_credentials
from dashboard.server.database import EMBEDDED_ENGINE, MIN_POSTGRES_VERSION
from dashboard.server.postgres.errors import DataDirectoryInUseError, EmbeddedPostgresError
from dashboard.server.postgres.locks import FileLock
from dashboard.server.postgres.sessions import get_postgres_session
from dashboard.server.serving import ListenAddress, ListenAddressError, find_free_address, serve
from runs.management.arguments import resolve_project
from runs.management.progress import ProgressBar


class Command(BaseCommand):
    help = "Start the database, bring it up to date and serve the site until Ctrl-C"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--workers", type=int, default=2, help="processes that serve (2)")
        parser.add_argument("--demo", action="store_true", help="fill project `default` with invented runs")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, **_: Any) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM):  # a shell script's `&` sets the first to be ignored
            signal.signal(signum, _interrupt)
        try:
            address = find_free_address(host, port)
            with _alone(settings.DATA_DIR), _database():
                self._prepare()
                if demo:
                    self._load_demo()
                self._serve(address, workers)
        except KeyboardInterrupt:
            self.stderr.write("Stopped")
        except OSError as error:
            raise CommandError(f"The data directory {settings.DATA_DIR} can't be used: {error}") from error
        except (ListenAddressError, EmbeddedPostgresError, NotSupportedError, OperationalError) as error:
            raise CommandError(" ".join(str(error).split())) from error

    def _prepare(self) -> None:
        _refuse_old_server()
        startup_checks.reject_foreign_schema()
        if pending := startup_checks.count_pending_migrations():
            with ProgressBar(sys.stderr, " migrations", label="Preparing the database", announce=True) as progress:
                startup_checks.apply_migrations(pending, progress.show)
        if startup_checks.are_static_files_outdated():
            self.stderr.write("Preparing static files")
            startup_checks.collect_static_files()
        if identities := create_initial_credentials():
            self.stdout.write(f"\n{identities}\n\n")
            self.stdout.flush()

    def _load_demo(self) -> None:
        from runs.demo.loading import load_demo  # big, and seldom needed

        project = resolve_project("default")
        with ProgressBar(sys.stderr, " runs", label="Loading demo runs", announce=True) as progress:
            load_demo(project, progress.show)

    def _serve(self, address: ListenAddress, workers: int) -> None:
        if address.everywhere:
            self.stderr.write(
                f"Listening on every address: RUNGLASS_ALLOWED_HOSTS must name the hosts that people use "
                f"(now {', '.join(settings.ALLOWED_HOSTS)})"
            )

        def on_ready() -> None:
            self.stdout.write(f"Runglass is ready at {address.url}")
            self.stdout.flush()

        serve(address, workers, on_ready)


@contextmanager
def _alone(data_dir: Path) -> Generator[None]:
    """Hold the data directory. Raises DirectoryInUseError while another `up` does."""
    lock = FileLock(data_dir / "up.lock")
    data_dir.mkdir(parents=True, exist_ok=True)
    if not lock.take():
        raise DataDirectoryInUseError(
            f"The data directory {data_dir} is in use: {lock.holder()} runs `up` on it. "
            "Set RUNGLASS_DATA_DIR to serve another one"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _database() -> Generator[None]:
    """Run the embedded server, if it is the one in use, until the end; a failure of it ends us too."""
    if settings.DATABASES["default"]["ENGINE"] != EMBEDDED_ENGINE:
        yield
        return
    database = get_postgres_session(settings.DATA_DIR)
    server = database.own(on_failure=_stop_serving)
    try:
        yield
    finally:
        connection.close()
        database.close(patient=False)
        if server.failure is not None:  # it is why we were interrupted
            raise server.failure


def _refuse_old_server() -> None:
    connection.ensure_connection()
    major, _ = connection.get_database_version()
    if major < MIN_POSTGRES_VERSION:
        raise CommandError(
            f"The server of DATABASE_URL is Postgres {major}; Runglass needs {MIN_POSTGRES_VERSION} or newer"
        )


def _stop_serving() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
