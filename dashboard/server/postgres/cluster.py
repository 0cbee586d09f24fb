"""A database cluster, created once, with its superuser and the superuser's password."""

from __future__ import annotations

import locale
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.passage import grant_code_access
from dashboard.server.postgres.binaries import PostgresBinaries, find_installed_binaries
from dashboard.server.postgres.errors import DataDirectoryUnusableError, PostgresServerError
from dashboard.server.postgres.paths import ClusterPaths
from dashboard.server.postgres.postgres_settings import (
    FIXED_SETTINGS,
    build_memory_settings,
    build_wal_settings,
    get_available_memory,
)
from dashboard.server.postgres.process import build_child_command
from dashboard.server.postgres.server_log import find_failure_reason

DATABASE_NAME = "runglass"
SUPERUSER = "runglass"
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
# pg_trgm asks the operating system which characters are letters: in the locale C, no Chinese one is, nor "é".
LETTER_LOCALE = "C.UTF-8"


@dataclass(frozen=True)
class Cluster:
    """An existing cluster and what is needed to run it. `overrides` are Postgres settings."""

    paths: ClusterPaths
    binaries: PostgresBinaries
    overrides: Mapping[str, str] = field(default_factory=dict)

    def build_server_command(self, socket_directory: Path) -> list[str]:
        """Return the command line of a server that listens in `socket_directory`."""
        quoted = str(socket_directory).replace('"', '""')  # the setting is a comma-separated list of directories
        disk = shutil.disk_usage(self.paths.directory)
        settings = {
            **FIXED_SETTINGS,
            **build_memory_settings(get_available_memory()),
            **build_wal_settings(disk.total, disk.free),
            **self.overrides,
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        postgres, data = str(self.binaries.postgres), str(self.paths.data)
        return build_child_command(self.paths.os_user, postgres, "-D", data, *options)


def get_or_create_cluster(paths: ClusterPaths, overrides: Mapping[str, str] | None = None) -> Cluster:
    """Return the cluster at `paths`; create it if there is none. The caller holds the owner lock.

    Raises DataDirectoryUnusableError or PostgresServerError.
    """
    try:
        cluster = Cluster(paths, find_installed_binaries(), overrides or {})
        grant_code_access(paths.os_user)
        if not paths.data.exists():
            _create_cluster(cluster)
        _read_or_create_password(paths.site_password)
        paths.os_user.take_ownership(paths.site_password)
    except OSError as error:
        raise DataDirectoryUnusableError(
            f"Cannot create the database in {paths.directory}: {error.strerror} ({error.filename}). "
            "Set RUNGLASS_DATA_DIR to a directory that you own"
        ) from error
    except OsUserError as error:
        raise DataDirectoryUnusableError(str(error)) from error
    return cluster


def _create_cluster(cluster: Cluster) -> None:
    """Run initdb in a temporary directory and rename it at the end, so that a cluster is never partial."""
    paths = cluster.paths
    temporary, password_copy = paths.directory / "data.new", paths.directory / "password.new"
    if temporary.exists():
        shutil.rmtree(temporary)
    password = _read_or_create_password(paths.superuser_password)
    paths.os_user.take_ownership(paths.superuser_password)
    temporary.mkdir(mode=0o700)
    paths.os_user.take_ownership(temporary)
    _write_private_file(password_copy, password)
    paths.os_user.take_ownership(password_copy)
    try:
        options = [*INITDB_OPTIONS, f"--pgdata={temporary}", f"--pwfile={password_copy}"]
        if _has_locale(LETTER_LOCALE):
            options.append(f"--lc-ctype={LETTER_LOCALE}")
        if cluster.overrides.get("fsync") == "off":
            options.append("--no-sync")
        _run_initdb(build_child_command(paths.os_user, str(cluster.binaries.initdb), *options), paths.directory)
    finally:
        password_copy.unlink()
    temporary.rename(paths.data)


def _has_locale(name: str) -> bool:
    """Return whether the operating system has a locale, in which a cluster can then be created."""
    current = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, current)
    return True


def _run_initdb(command: list[str], directory: Path) -> None:
    result = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, env=SERVER_ENVIRONMENT, cwd="/", check=False
    )
    if result.returncode != 0:
        reason = find_failure_reason(result.stderr) or f"exit code {result.returncode}"
        raise PostgresServerError(f"Cannot create the database in {directory}: {reason}")


def _read_or_create_password(path: Path) -> str:
    if not path.exists():
        _write_private_file(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write_private_file(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
