"""Bring a cluster back that an earlier version kept outside of its data directory.

If root started that version and the data directory was below a directory with mode 0700, the cluster was in
/var/lib/runglass, and the data directory only contained a file with its location.

The file is removed last. If the move is interrupted before, the next start continues it: the cluster appears in the
data directory by one rename, and until then the old one is complete.
"""

from __future__ import annotations

import errno
import filecmp
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dashboard.server.postgres.errors import DataDirectoryInUseError, DataDirectoryUnusableError
from dashboard.server.postgres.locks import FileLock
from dashboard.server.postgres.stale_servers import clean_up_stale_server

logger = logging.getLogger(__name__)


def bring_back_relocated_cluster(home: Path) -> None:
    """Move the cluster to `home` if an earlier version kept it elsewhere.

    Raises:
        DataDirectoryInUseError: that cluster is in use.
        DataDirectoryUnusableError: that cluster is gone, or there is no room for it.
        OSError: a file can't be moved.
    """
    location = home / "location"
    if not location.exists():
        return
    old = Path(os.fsdecode(location.read_bytes()))
    if not (home / "data").exists() and not (old / "data").exists():
        raise DataDirectoryUnusableError(
            f"The database of {home.parent} was kept in {old}, which does not exist any more: restore that directory "
            f"from a backup, or remove {location} to start with an empty database"
        )
    lock = FileLock(old / "owner.lock")
    if old.is_dir() and not lock.acquire():
        raise DataDirectoryInUseError(f"The database in {old} is in use by {lock.describe_holder()}: stop it first")
    try:
        _move_cluster(old, home)
    finally:
        lock.release()
    location.unlink()
    shutil.rmtree(old, ignore_errors=True)
    logger.warning("Moved the database from %s to %s: the data directory contains everything again", old, home)


def _move_cluster(old: Path, home: Path) -> None:
    """Move password and data. What has been moved already stays."""
    if (home / "data").exists():
        return
    clean_up_stale_server(old / "data")
    shutil.copy2(old / "password", home / "password")
    try:
        (old / "data").rename(home / "data")
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_to_other_file_system(old / "data", home / "data")


def _copy_to_other_file_system(source: Path, target: Path) -> None:
    """Copy, write through, compare, and rename at the end."""
    size = sum(file.stat().st_size for file in _list_files(source))
    if size > (free := shutil.disk_usage(target.parent).free):
        raise DataDirectoryUnusableError(
            f"The database in {source} ({size:,} bytes) must move to {target.parent}, where only {free:,} bytes are "
            "free: make room there"
        )
    temporary = target.with_name("data.moved")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(source, temporary, symlinks=True)
    os.sync()
    for file in _list_files(source):
        if not filecmp.cmp(file, temporary / file.relative_to(source), shallow=False):
            raise DataDirectoryUnusableError(f"The copy of {file} in {temporary} differs: check the disk")
    temporary.rename(target)


def _list_files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
