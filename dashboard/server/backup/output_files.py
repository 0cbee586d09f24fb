"""Files that appear under their name when they are complete, and that only their owner may read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dashboard.server.backup.errors import BackupError

PARTIAL_SUFFIX = ".partial"


@contextmanager
def open_output_file(path: Path) -> Generator[IO[bytes]]:
    """Open a temporary file that is renamed to `path` when the block ends without an error, and removed otherwise.

    What a killed process has left behind is overwritten. Raises BackupError if `path` exists or is being written, and
    OSError.
    """
    if path.exists():
        raise BackupError(f"{path} exists already: choose another name")
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as file:
        _lock(fd, partial)
        try:
            os.fchmod(fd, 0o600)
            os.truncate(fd, 0)
            yield file
            file.flush()
            os.fsync(fd)
            partial.rename(path)
        except BaseException:  # including Ctrl-C
            partial.unlink(missing_ok=True)
            raise
    _sync_directory(path.parent)


def remove_partial_files(directory: Path, pattern: str) -> None:
    """Remove what killed processes have left in `directory`: partial files that nobody writes."""
    for partial in directory.glob(pattern + PARTIAL_SUFFIX):
        with partial.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            partial.unlink()


def _lock(fd: int, partial: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BackupError(f"Another process is writing {partial}") from error


def _sync_directory(directory: Path) -> None:
    """Make a rename durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
