"""A cluster, made once: users, databases, and the password that guards it."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.server.postgres.binaries import PostgresBinaries, find_usable_binaries
from dashboard.server.postgres.errors import DataDirectoryUnusableError, PostgresServerError
from dashboard.server.postgres.paths import SHARED_DIRECTORY, ClusterPaths
from dashboard.server.postgres.postgres_settings import FIXED_SETTINGS, build_memory_settings, get_available_memory
from dashboard.server.postgres.process import build_child_command

DATABASE_NAME = "runglass"  # of the superuser and of the database
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
INITDB_OPTIONS = (
    f"--username={DATABASE_NAME}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


@dataclass(frozen=True)
class Cluster:
    """A cluster that exists, and what is needed to run it. `overrides` are settings of Postgres."""

    place: ClusterPaths
    binaries: PostgresBinaries
    overrides: Mapping[str, str] = field(default_factory=dict)

    def server_command(self, socket_directory: Path) -> list[str]:
        """The command line of its server."""
        quoted = str(socket_directory).replace('"', '""')  # a list of directories, separated by commas
        settings = {
            **FIXED_SETTINGS,
            **build_memory_settings(get_available_memory()),
            **self.overrides,
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return build_child_command(
            self.place.account, str(self.binaries.postgres), "-D", str(self.place.data), *options
        )


def get_or_create_cluster(place: ClusterPaths, overrides: Mapping[str, str] | None = None) -> Cluster:
    """The cluster of `place`, which is made first where there is none.

    The caller holds the place's owner lock. Raises DirectoryUnusableError or ServerError.
    """
    try:
        binaries = find_usable_binaries(place.account, SHARED_DIRECTORY)
        cluster = Cluster(place, binaries, overrides or {})
        if not place.data.exists():
            _create_cluster(cluster)
    except OSError as error:
        raise DataDirectoryUnusableError(f"The database can't be made in {place.directory}: {error}") from error
    return cluster


def _create_cluster(cluster: Cluster) -> None:
    """Make the cluster under another name and rename it when it is complete."""
    place = cluster.place
    draft, password_copy = place.directory / "data.new", place.directory / "password.new"
    if draft.exists():
        shutil.rmtree(draft)
    password = _read_or_create_password(place.password)
    draft.mkdir(mode=0o700)
    place.account.give(draft)
    _write_private_file(password_copy, password)
    place.account.give(password_copy)
    try:
        options = [*INITDB_OPTIONS, f"--pgdata={draft}", f"--pwfile={password_copy}"]
        if cluster.overrides.get("fsync") == "off":
            options.append("--no-sync")
        _run_initdb(build_child_command(place.account, str(cluster.binaries.initdb), *options))
    finally:
        password_copy.unlink()
    draft.rename(place.data)


def _run_initdb(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True, env=SERVER_ENVIRONMENT, cwd="/", check=False)  # noqa: S603
    if done.returncode != 0:
        raise PostgresServerError(f"initdb failed: {' '.join(done.stderr.split()) or done.returncode}")


def _read_or_create_password(path: Path) -> str:
    if not path.exists():
        _write_private_file(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write_private_file(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
