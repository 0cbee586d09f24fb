"""The operating system user that runs the server. Postgres refuses to run as root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from dashboard.server.postgres.errors import DataDirectoryUnusableError

UNPRIVILEGED_USERS = ("nobody", "daemon")


@dataclass(frozen=True)
class OsUser:
    """The operating system user that runs the server.

    `is_other` is set where root runs the server as another user than itself.
    """

    uid: int
    gid: int
    is_other: bool

    def can_enter(self, path: Path) -> bool:
        """Return whether this user can enter every existing directory on the way to `path`.

        Only mode bits are checked. Where an access control list grants more, the answer is a false negative.
        """
        directories = [directory for directory in (path, *path.parents) if directory.is_dir()]
        return not self.is_other or all(self._has_mode_bits(directory, 0o1) for directory in directories)

    def can_run(self, program: Path) -> bool:
        """Return whether this user can read and execute the file `program`."""
        return not self.is_other or (self.can_enter(program.parent) and self._has_mode_bits(program, 0o5))

    def take_ownership(self, path: Path) -> None:
        """Make this user the owner of `path`, which must belong to the current user."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def _has_mode_bits(self, path: Path, bits: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & bits == bits


def choose_os_user(data: Path) -> OsUser:
    """Return the user that runs the server of the cluster in `data`.

    This is the current user. For root, it is the owner of an existing cluster, else an unprivileged user.

    Raises:
        DataDirectoryUnusableError: the current user is root and there is no unprivileged user.
    """
    if os.geteuid() != 0:
        return OsUser(os.geteuid(), os.getegid(), is_other=False)
    if data.is_dir() and (status := data.stat()).st_uid != 0:
        return OsUser(status.st_uid, status.st_gid, is_other=True)
    for name in UNPRIVILEGED_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(user.pw_uid, user.pw_gid, is_other=True)
    raise DataDirectoryUnusableError(
        f"Postgres cannot run as root, and there is no user {' or '.join(UNPRIVILEGED_USERS)} to run it as. "
        "Run Runglass as an ordinary user, or set DATABASE_URL"
    )
