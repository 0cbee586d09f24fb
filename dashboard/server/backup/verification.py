"""Check a backup without restoring it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

from dashboard.server.backup.archive import BackupReader
from dashboard.server.backup.manifest import BackupManifest, parse_manifest
from dashboard.server.backup.postgres_tools import find_postgres_tool, run_postgres_tool
from dashboard.server.backup.table_sums import ReportProgress


def verify_backup(path: Path, report_progress: ReportProgress) -> BackupManifest:
    """Read the whole backup at `path`, let pg_restore read its dump, and return its manifest.

    Raises BackupError if it is no backup, or incomplete or damaged, and OSError if it can't be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = BackupReader(file)
        manifest = parse_manifest(reader.manifest_json)
        pg_restore = find_postgres_tool("pg_restore", manifest.pg_dump_version)
        with run_postgres_tool(pg_restore, "--file=/dev/null", stdin=subprocess.PIPE) as process:
            assert process.stdin is not None  # noqa: S101
            for piece in reader.iterate_dump():
                with suppress(BrokenPipeError):  # it has found a fault, but the checksum says more
                    process.stdin.write(piece)
                report_progress(reader.position, size, "")
    return manifest


def describe_manifest(manifest: BackupManifest) -> str:
    """Return what a backup contains, in one line."""
    return (
        f"Runglass {manifest.runglass_version}, Postgres {manifest.postgres_major}, "
        f"{manifest.created_at:%Y-%m-%d %H:%M} UTC: {manifest.row_count:,} rows in {len(manifest.tables)} tables"
    )
