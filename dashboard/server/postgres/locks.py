"""Locks between processes. The kernel releases them when their holder exits, even if it is killed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An advisory lock on a file. The file contains the pid of the holder, which only messages use."""

    def __init__(self, path: Path) -> None:
        """Create a lock on `path`, without acquiring it."""
        self.path = path
        self._fd: int | None = None

    @property
    def is_held(self) -> bool:
        """Return whether this object holds the lock."""
        return self._fd is not None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Acquire the lock, exclusively or shared. Return whether it was free; always true with `wait`.

        Raises OSError if the file can't be opened.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:  # Ctrl-C while waiting
            os.close(fd)
            raise
        _give_to_owner_of_directory(fd, self.path.parent)
        if not shared:
            os.truncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd
        return True

    def release(self) -> None:
        """Release the lock. Only the process that acquired it may call this; a forked child just exits."""
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None

    def describe_holder(self) -> str:
        """Return who holds the lock, for messages: `process 4711`."""
        pid = self.path.read_text().strip()
        return f"process {pid}" if pid else "another process"


def _give_to_owner_of_directory(fd: int, directory: Path) -> None:
    """If root has created the file, let the user of the data directory open it, too."""
    if os.geteuid() == 0:
        status = directory.stat()
        os.fchown(fd, status.st_uid, status.st_gid)
