"""Become the unprivileged user, for good."""

from __future__ import annotations

import os
from pathlib import Path

from dashboard.server.os_user.data_directory import prepare_data_directory
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.passage import grant_code_access
from dashboard.server.os_user.system_account import NO_HOME


def drop_privileges(data_dir: Path) -> None:
    """If this process is root's, prepare `data_dir` and become the user that owns it. No thread may run yet.

    Raises OsUserError, or OSError if the data directory can't be used.
    """
    user = prepare_data_directory(data_dir)
    if not user.is_other:
        return
    grant_code_access(user)
    try:
        if os.getgroups():
            os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except PermissionError as error:
        raise OsUserError(
            "Runglass does not run as root, and root cannot become another user here (it lacks CAP_SETUID): "
            "start Runglass as an ordinary user"
        ) from error
    os.environ["HOME"] = NO_HOME  # root's is not accessible, which libpq takes for an error
