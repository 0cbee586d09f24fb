"""Become the unprivileged user, for good."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from dashboard.server.os_user.data_directory import prepare_data_directory
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.passage import grant_code_access
from dashboard.server.os_user.system_account import NO_HOME
from dashboard.server.os_user.users import OsUser

FIRST_UNPRIVILEGED_PORT = 1024

# From the header files `linux/prctl.h` and `linux/capability.h`.
_PR_SET_KEEPCAPS = 8
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_NET_BIND_SERVICE = 10


def drop_privileges(data_dir: Path, port: int) -> None:
    """If this process is root's, prepare `data_dir` and become the user that owns it. No thread may run yet.

    What remains is the right to listen on `port`, if only root may.

    Raises OsUserError, or OSError if the data directory can't be used.
    """
    user = prepare_data_directory(data_dir)
    if not user.is_other:
        return
    grant_code_access(user)
    libc = ctypes.CDLL(None, use_errno=True)
    needs_capability = 0 < port < FIRST_UNPRIVILEGED_PORT
    libc.prctl(_PR_SET_KEEPCAPS, int(needs_capability), 0, 0, 0)
    _become(user)
    if needs_capability:
        _keep_only_capability(libc, _CAP_NET_BIND_SERVICE)
    os.environ["HOME"] = NO_HOME  # root's is not accessible, which libpq takes for an error


def _become(user: OsUser) -> None:
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


def _keep_only_capability(libc: ctypes.CDLL, capability: int) -> None:
    """Give up all capabilities but one, which must be below 32. If that fails, listening on the port will fail."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bits = 1 << capability
    sets = (ctypes.c_uint32 * 6)(bits, bits, 0, 0, 0, 0)  # effective, permitted and inheritable, twice
    if libc.capset(header, sets) != 0:
        sets = (ctypes.c_uint32 * 6)()
        libc.capset(header, sets)
