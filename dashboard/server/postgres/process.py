"""Start a program as a given user, such that it ends when its parent ends. Also the script that does so.

Hardly anything is safe between fork and exec in a process that has threads, and a change of user clears the
parent-death signal. So a bare interpreter runs this file: it changes the user, sets the signal, and replaces itself by
the program. Its arguments are `PARENT_PID UID GID PROGRAM ARGUMENT…`, where `-` for UID and GID means no change. As a
script it can't import anything of this project.

`initdb` refuses to run for a uid without a name, as containers often have (`docker run --user`, OpenShift). It runs in
a user namespace then, in which the uid has another number that has a name. The server itself needs no name.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboard.server.os_user.users import OsUser

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
CLONE_NEWUSER = 0x10000000


def build_child_command(user: OsUser, *program: str) -> list[str]:
    """Return the command line that runs `program` as `user` and ends it when this process ends.

    Start it from a thread that keeps running: Linux takes the end of the starting thread for the end of the parent.
    """
    ids = [str(user.uid), str(user.gid)] if user.is_other else ["-", "-"]
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *ids, *program]


def die_with_parent(parent_pid: int, signum: int) -> None:
    """Let the kernel send `signum` to this process when its parent dies, or now if it has died already.

    Only Linux has this. Elsewhere the next start stops the server that a killed parent has left behind.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signum)


def take_user_name() -> None:
    """Give this process a user name, if its uid has none, by moving it to a user namespace. It has one thread.

    Exits with status 1 if the system allows no user namespaces.
    """
    uid, gid = os.geteuid(), os.getegid()
    if any(entry.pw_uid == uid for entry in pwd.getpwall()):
        return
    named = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # a change of user makes the files in /proc root's
    if named is None or libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(
            f"error: uid {uid} has no user name, which creating a database needs: add one to /etc/passwd "
            f"(`runglass:x:{uid}:{gid}::/nonexistent:/sbin/nologin`), use a uid that has one, or set DATABASE_URL"
        )
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{named.pw_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{named.pw_gid} {gid} 1")


if __name__ == "__main__":
    parent_pid, uid, gid, *program = sys.argv[1:]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    os.umask(0o077)
    if Path(program[0]).name == "initdb":
        take_user_name()
    die_with_parent(int(parent_pid), signal.SIGINT)
    os.execv(program[0], program)  # noqa: S606 - without a shell on purpose
