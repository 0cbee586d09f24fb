"""Starts a program as a given user, its life tied to its parent's. Also a script that runs in between.

Between fork and exec of a process with threads hardly anything is safe to do, and changing the user clears
the tie. So a bare interpreter changes the user, ties, and becomes the program: `launch.py PARENT UID GID
PROGRAM ARGUMENT…`, where UID is `-` for no change. As a script it can't import anything of ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboard.server.postgres.os_user import OsUser

PR_SET_PDEATHSIG = 1


def build_child_command(account: OsUser, *program: str) -> list[str]:
    """The command line that runs `program` as `account` for as long as this process lives.

    Start it from a thread that stays: Linux takes the end of that thread for the end of the parent.
    """
    who = [str(account.uid), str(account.gid)] if account.lent else ["-", "-"]
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *who, *program]


def die_with_parent(parent: int, signum: int) -> None:
    """Have the kernel send this process `signum` when its parent, of pid `parent`, dies; at once if it has.

    Without effect where the kernel isn't Linux: there a killed parent's server is stopped by the next one.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def _change_user(uid: str, gid: str) -> None:
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))


if __name__ == "__main__":
    parent, uid, gid, *program = sys.argv[1:]
    _change_user(uid, gid)
    os.umask(0o077)
    die_with_parent(int(parent), signal.SIGINT)
    os.execv(program[0], program)  # noqa: S606 - no shell is what we want
