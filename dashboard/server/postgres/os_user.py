"""Who runs the server. Postgres refuses root, so root lends it to an unprivileged user."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from dashboard.server.postgres.errors import DataDirectoryUnusableError

UNPRIVILEGED_USERS = ("nobody", "daemon")


@dataclass(frozen=True)
class OsUser:
    """The operating system user that the server runs as; `lent` when that isn't the one who asks."""

    uid: int
    gid: int
    lent: bool

    def can_enter(self, path: Path) -> bool:
        """Whether this account may reach what lies in `path`: every existing directory down to it lets it in.

        Judged by the mode bits alone; where an access list grants more, the answer is a needless no.
        """
        existing = [place for place in (path, *path.parents) if place.is_dir()]
        return not self.lent or all(self._may(place, 0o1) for place in existing)

    def can_run(self, program: Path) -> bool:
        """Whether this account may read and execute the file `program`."""
        return not self.lent or (self.can_enter(program.parent) and self._may(program, 0o5))

    def give(self, path: Path) -> None:
        """Make `path`, which must be ours to give away, this account's own."""
        if self.lent:
            os.chown(path, self.uid, self.gid)

    def _may(self, path: Path, bits: int) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return (found.st_mode >> shift) & bits == bits


def choose_os_user(data: Path) -> OsUser:
    """The account for the cluster in `data`: ourselves; for root its owner or an unprivileged user.

    Raises DirectoryUnusableError for root where no such user exists.
    """
    if os.geteuid() != 0:
        return OsUser(os.geteuid(), os.getegid(), lent=False)
    if data.is_dir() and (owner := data.stat()).st_uid != 0:
        return OsUser(owner.st_uid, owner.st_gid, lent=True)
    for name in UNPRIVILEGED_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(user.pw_uid, user.pw_gid, lent=True)
    raise DataDirectoryUnusableError(
        f"Postgres refuses to run as root, and there is no user {' or '.join(UNPRIVILEGED_USERS)} to run it as. "
        "Run Runglass as an ordinary user, or set DATABASE_URL"
    )
