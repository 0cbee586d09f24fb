"""Load a dump: pg_restore turns it into SQL, and psql runs that in one transaction.

pg_restore could connect by itself, but writes a setting that servers before Postgres 17 do not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE
from typing import IO

from dashboard.server.backup.connections import DatabaseSession
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.manifest import BackupManifest
from dashboard.server.backup.postgres_tools import find_postgres_tool, run_postgres_tool

_UNKNOWN_SETTING, _KNOWN_SINCE_MAJOR = b"SET transaction_timeout = 0;\n", 17
_PUMP_BYTES = 1024 * 1024
_PSQL_OPTIONS = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")


def load_dump(session: DatabaseSession, manifest: BackupManifest, pieces: Iterable[bytes]) -> None:
    """Load all of the dump in `pieces`, or nothing. Raises BackupError."""
    pg_restore = find_postgres_tool("pg_restore", manifest.pg_dump_version)
    psql = find_postgres_tool("psql", pg_restore.major)
    # The schema exists already, and the extension is created before.
    options = ("--file=-", f"--schema={manifest.schema}", "--no-owner", "--no-privileges")
    try:
        with (
            ThreadPoolExecutor(1) as executor,
            run_postgres_tool(psql, *_PSQL_OPTIONS, session=session, stdin=PIPE) as target,
            run_postgres_tool(pg_restore, *options, stdin=PIPE, stdout=PIPE) as source,
        ):
            assert source.stdin and source.stdout and target.stdin  # noqa: S101, PT018
            feeding = executor.submit(_feed, pieces, source.stdin)
            _pump(source.stdout, target.stdin, is_old_server=session.info.server_version < _KNOWN_SINCE_MAJOR * 10_000)
            feeding.result()
    except BrokenPipeError as error:
        raise BackupError("psql was killed while it loaded the dump: begin again") from error


def _feed(pieces: Iterable[bytes], stream: IO[bytes]) -> None:
    """Write `pieces` to a program that writes itself meanwhile."""
    with stream:
        for piece in pieces:
            stream.write(piece)


def _pump(source: IO[bytes], target: IO[bytes], *, is_old_server: bool) -> None:
    """Copy the script. The setting is among its first lines."""
    is_first = True
    while script := source.read(_PUMP_BYTES):
        target.write(script.replace(_UNKNOWN_SETTING, b"", 1) if is_first and is_old_server else script)
        is_first = False
