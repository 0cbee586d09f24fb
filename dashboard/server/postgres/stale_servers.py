"""What a server leaves behind whose parent was killed: itself, for a moment, or its lock file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SHUTDOWN_TIMEOUT = 60.0  # seconds for a checkpoint before a server is told to hurry


def clean_up_stale_server(data: Path) -> None:
    """See to it that no server runs on `data` and that what an earlier one left doesn't stop the next.

    The caller holds the owner lock, so a server that still runs has lost its parent. It is shut down and
    waited for.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if is_postgres_process(pid, data):
        _stop_server(pid, data)
    if lock.exists():
        _write_own_pid(lock)


def is_postgres_process(pid: int, data: Path) -> bool:
    """Whether `pid` really is a `postgres -D data`, rather than a process that was given its number."""
    program, *arguments = _read_command_line(pid) or ("",)
    return Path(program).name == "postgres" and arguments[:2] == ["-D", str(data)]


def _read_command_line(pid: int) -> list[str]:
    """The arguments of a process, nothing for a dead one."""
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    program, _, rest = shown.stdout.strip().partition(" -D ")
    return [program, "-D", rest.partition(" -c ")[0]]  # ps joins by spaces, which paths may have too


def _stop_server(pid: int, data: Path) -> None:
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        os.kill(pid, signum)
        while time.monotonic() < deadline:
            if not is_postgres_process(pid, data):
                return
            time.sleep(0.02)


def _write_own_pid(lock: Path) -> None:
    """Put our own pid into a dead server's lock file.

    Postgres refuses to start if the pid in there is alive, whoever has it by now, unless it is its parent's.
    The rest of the file stays: by it Postgres tells whether backends of the dead server still use its memory.
    """
    _, rest = lock.read_text().split("\n", 1)
    with lock.open("r+") as file:
        file.write(f"{os.getpid()}\n{rest}")
        file.truncate()
