"""The system user `runglass`, created when root starts Runglass for the first time.

An existing user such as `nobody` is not enough: every other process of it could take over the database.
"""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys

from dashboard.server.os_user.errors import OsUserError

ACCOUNT_NAME = "runglass"
NO_HOME = "/nonexistent"
# The commands of shadow-utils (most distributions) and of BusyBox (Alpine), most common first.
CREATE_COMMANDS: tuple[tuple[list[str], ...], ...] = (
    (
        [
            *("useradd", "--system", "--user-group", "--no-create-home"),
            *("--home-dir", NO_HOME, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME),
        ],
    ),
    (
        ["addgroup", "-S", ACCOUNT_NAME],
        ["adduser", "-S", "-D", "-H", "-h", NO_HOME, "-s", "/sbin/nologin", "-G", ACCOUNT_NAME, ACCOUNT_NAME],
    ),
)


def get_or_create_system_account() -> pwd.struct_passwd:
    """Return the account `runglass`; create it, and say so on stderr, if there is none. The caller is root.

    Raises OsUserError if it can't be created.
    """
    if account := _find_account():
        return account
    reason = _create_account()
    if account := _find_account():  # also if another process has just created it
        print(
            f"Created the system user {ACCOUNT_NAME} (uid {account.pw_uid}): root hands the data directory to it, "
            "and the database and the web server run as it",
            file=sys.stderr,
        )
        return account
    raise OsUserError(
        f"Runglass does not run as root, and cannot create the system user {ACCOUNT_NAME} ({reason}): create it with "
        f"`{' '.join(CREATE_COMMANDS[0][0])}`, or start Runglass as an ordinary user"
    )


def _find_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        return None


def _create_account() -> str:
    """Create the account with the first commands that this system has. Return the reason if that fails."""
    for commands in CREATE_COMMANDS:
        if shutil.which(commands[-1][0]) is None:
            continue
        for command in commands:
            result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
            if result.returncode != 0:
                return " ".join(result.stderr.split()) or f"{command[0]} failed with status {result.returncode}"
        return ""
    return f"there is no {' or '.join(commands[-1][0] for commands in CREATE_COMMANDS)}"
