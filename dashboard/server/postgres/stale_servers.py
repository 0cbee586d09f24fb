"""Clean up after a server whose parent process was killed: it may still run, or have left its lock file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SHUTDOWN_TIMEOUT = 60.0  # seconds for a checkpoint before the next, harder signal


def clean_up_stale_server(data: Path) -> None:
    """Stop what still runs on `data`, and make sure that the lock file of a dead server does not block the next one.

    The caller holds the owner lock, so a running server has lost its parent process.
    """
    lock_file = data / "postmaster.pid"
    try:
        pid = int(lock_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if is_postgres_process(pid, data):
        _stop_server(pid, data)
    _kill_orphaned_backends(data)
    if lock_file.exists():
        _write_own_pid(lock_file)


def is_postgres_process(pid: int, data: Path) -> bool:
    """Return whether `pid` is a `postgres -D data`, and not another process that has reused the number."""
    program, *arguments = _read_command_line(pid) or ("",)
    return Path(program).name == "postgres" and arguments[:2] == ["-D", str(data)]


def _read_command_line(pid: int) -> list[str]:
    """Return the arguments of a process; an empty list if it has ended."""
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    result = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    program, _, rest = result.stdout.strip().partition(" -D ")
    return [program, "-D", rest.partition(" -c ")[0]]  # ps separates arguments by spaces, which paths may contain


def _stop_server(pid: int, data: Path) -> None:
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        os.kill(pid, signum)
        while time.monotonic() < deadline:
            if not is_postgres_process(pid, data):
                return
            time.sleep(0.02)


def _kill_orphaned_backends(data: Path) -> None:
    """Kill the backends of a server that was killed itself.

    Nearly all end by themselves. One that waits for a lock whose holder was killed waits forever, and ignores SIGTERM;
    as long as it has the shared memory, no other server starts. Each has the data directory as its working directory.
    """
    for process in Path("/proc").glob("[0-9]*"):  # only Linux has it
        with suppress(OSError):  # it has ended, or belongs to another user
            if (process / "cwd").readlink() == data.resolve() and (process / "exe").readlink().name == "postgres":
                os.kill(int(process.name), signal.SIGKILL)


def _write_own_pid(lock_file: Path) -> None:
    """Replace the pid in the lock file of a dead server by that of this process.

    Postgres refuses to start if that pid is alive, even if an unrelated process has it now, unless it is the pid of
    its parent. The other lines stay: Postgres uses them to tell whether backends of the dead server still run.
    """
    _, rest = lock_file.read_text().split("\n", 1)
    with lock_file.open("r+") as file:
        file.write(f"{os.getpid()}\n{rest}")
        file.truncate()
