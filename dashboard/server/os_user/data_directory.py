"""The owner and the modes of the data directory: nobody but its user may enter it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.passage import grant_passage
from dashboard.server.os_user.users import OsUser, choose_os_user

PRIVATE_MODE = 0o700
OWN_ENTRIES = {"backups", "secret_key", "static", "static.fingerprint", "up.lock", "harvest", "monitoring"}
OWN_PREFIXES = ("postgres-", ".secret_key.")
IGNORED_ENTRIES = {"lost+found", ".gitignore", ".gitkeep"}


def prepare_data_directory(data_dir: Path) -> OsUser:
    """Create `data_dir` if there is none, make it private, and return the user that owns it from now on.

    The mode of a directory that also contains other things than ours is not changed. Root hands everything in the
    directory to that user.

    Raises OsUserError, or OSError if the directory can't be written.
    """
    data_dir.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    user = choose_os_user(data_dir)
    foreign = _find_foreign_entry(data_dir)
    if user.is_other:
        if foreign is not None and data_dir.stat().st_uid != user.uid:
            raise OsUserError(
                f"Root hands the data directory to the user that Runglass runs as, but {data_dir} also contains "
                f"{foreign}: set RUNGLASS_DATA_DIR to a directory of its own, or start Runglass as an ordinary user"
            )
        hand_over(data_dir, user)
        grant_passage(user, [data_dir.parent])
    if foreign is None:
        restrict_mode(data_dir)
    return user


def restrict_mode(directory: Path) -> None:
    """Let nobody but the owner enter `directory`."""
    if stat.S_IMODE(directory.stat().st_mode) != PRIVATE_MODE:
        directory.chmod(PRIVATE_MODE)


def hand_over(directory: Path, user: OsUser) -> None:
    """Make `user` the owner of `directory` and of all that it contains.

    File descriptors and no symbolic links are followed, and files with several names are left alone, so that the user
    can't trick root into giving it other files.
    """
    user.take_ownership(directory)
    for _, directories, files, fd in os.fwalk(directory):
        directories[:] = [name for name in directories if name not in IGNORED_ENTRIES]
        for name in (*directories, *files):
            with suppress(FileNotFoundError):  # a running server removes files
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
                is_single = stat.S_ISDIR(status.st_mode) or status.st_nlink == 1
                if is_single and (status.st_uid, status.st_gid) != (user.uid, user.gid):
                    os.chown(name, user.uid, user.gid, dir_fd=fd, follow_symlinks=False)


def _find_foreign_entry(data_dir: Path) -> str | None:
    """Return the name of an entry of `data_dir` that is not ours."""
    known = OWN_ENTRIES | IGNORED_ENTRIES
    names = (path.name for path in data_dir.iterdir())
    return next((name for name in names if name not in known and not name.startswith(OWN_PREFIXES)), None)
