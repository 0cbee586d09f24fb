"""Which user runs the product."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dashboard.server.os_user.system_account import get_or_create_system_account

PERSONAL_UIDS = range(1000, 60_000)  # those that Linux distributions give to people


@dataclass(frozen=True)
class OsUser:
    """An operating system user. `is_other` is set where root acts for another user than itself."""

    uid: int
    gid: int
    is_other: bool

    def take_ownership(self, path: Path) -> None:
        """Make this user the owner of `path`, which must belong to the current user."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def get_current_user() -> OsUser:
    """Return the user of this process."""
    return OsUser(os.geteuid(), os.getegid(), is_other=False)


def choose_os_user(data_dir: Path) -> OsUser:
    """Return the user that runs the database and the web server: the current user, unless that is root.

    For root, it is the person who owns the data directory, or else the system user `runglass`. Owners with other uids
    are not accepted: a container that was created anew may give the uid of its predecessor's user to another service.

    Raises OsUserError.
    """
    if os.geteuid() != 0:
        return get_current_user()
    if data_dir.is_dir() and (status := data_dir.stat()).st_uid in PERSONAL_UIDS:
        return OsUser(status.st_uid, status.st_gid, is_other=True)
    account = get_or_create_system_account()
    return OsUser(account.pw_uid, account.pw_gid, is_other=True)
