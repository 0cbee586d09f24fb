"""Write a backup of a database that others may read and write meanwhile: one snapshot of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dashboard.server.backup.archive import (
    MANIFEST_MEMBER,
    PIECE_BYTES,
    SECRET_KEY_MEMBER,
    BackupOutput,
    BackupWriter,
)
from dashboard.server.backup.connections import DatabaseSession, export_snapshot, fetch_value
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.manifest import FORMAT_VERSION, BackupManifest
from dashboard.server.backup.postgres_tools import PostgresTool, find_postgres_tool, run_postgres_tool
from dashboard.server.backup.table_sums import CURRENT_SCHEMA, ReportProgress, compute_table_sums, list_tables
from runs import __version__
from runs.db.migration_state import RESTORE_MARKER_TABLE

# Whoever has a key of a session is signed in: none is part of a backup.
TABLES_WITHOUT_DATA = frozenset({"django_session"})
_SERVER_VERSION = "SELECT current_setting('server_version_num')::integer"
_MIGRATIONS = "SELECT app, array_agg(name ORDER BY id) FROM django_migrations GROUP BY app ORDER BY app"
_DUMP_OPTIONS = ("--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges", "--no-comments")
# The row of a COPY that pg_dump runs. Without the first call, a transaction sees the activity as it was at first.
_CLEAR_ACTIVITY = "SELECT pg_stat_clear_snapshot()"
_COPY_PROGRESS = """
    SELECT relname, tuples_processed FROM pg_stat_progress_copy
    JOIN pg_stat_activity USING (pid) JOIN pg_class ON pg_class.oid = relid
    WHERE pg_stat_progress_copy.datname = current_database() AND application_name = 'pg_dump'"""
_PROGRESS_SECONDS = 1.0


def create_backup(
    session: DatabaseSession, stream: BackupOutput, report_progress: ReportProgress, secret_key: str = ""
) -> int:
    """Write a backup of the database of `session` to `stream`, and return its size in bytes. The progress is in rows.

    Every row is read twice: for its sum, and for the dump.

    Raises BackupError, and OSError if `stream` can't be written.
    """
    pg_dump = find_postgres_tool("pg_dump", fetch_value(session, _SERVER_VERSION) // 10_000)
    writer = BackupWriter(stream)
    with export_snapshot(session) as snapshot:
        manifest = _describe_database(session, pg_dump, report_progress)
        writer.add_member(MANIFEST_MEMBER, manifest.to_json())
        if secret_key:
            writer.add_member(SECRET_KEY_MEMBER, secret_key.encode())
        with closing(
            _dump(session, pg_dump, snapshot, manifest, report_progress)
        ) as pieces:  # ends pg_dump in any case
            for piece in pieces:
                writer.add_dump_piece(piece)
    writer.finish()
    return writer.size


def _describe_database(
    session: DatabaseSession, pg_dump: PostgresTool, report_progress: ReportProgress
) -> BackupManifest:
    tables = list_tables(session)
    if "django_migrations" not in tables:
        raise BackupError("There is nothing to back up: the database has no tables of Runglass")
    if RESTORE_MARKER_TABLE in tables:
        raise BackupError("A restore of this database is not complete: run `restore` again")
    return BackupManifest(
        format=FORMAT_VERSION,
        created_at=datetime.now(UTC),
        runglass_version=__version__,
        postgres_version=fetch_value(session, _SERVER_VERSION),
        pg_dump_version=pg_dump.major,
        schema=fetch_value(session, CURRENT_SCHEMA),
        migrations=dict(session.execute(_MIGRATIONS).fetchall()),
        tables=compute_table_sums(
            session, [name for name in tables if name not in TABLES_WITHOUT_DATA], report_progress
        ),
    )


def _dump(
    session: DatabaseSession,
    pg_dump: PostgresTool,
    snapshot: str,
    manifest: BackupManifest,
    report_progress: ReportProgress,
) -> Generator[bytes]:
    """Yield the pieces of the dump of one schema."""
    schema = '"' + manifest.schema.replace('"', '""') + '"'
    options = [f"--schema={schema}", f"--snapshot={snapshot}"]
    options += [f"--exclude-table-data={schema}.{table}" for table in sorted(TABLES_WITHOUT_DATA)]
    rows = _DumpedRows({name: table.rows for name, table in manifest.tables.items()})
    total, next_report = 2 * manifest.row_count, 0.0
    with run_postgres_tool(pg_dump, *_DUMP_OPTIONS, *options, session=session, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece
            if time.monotonic() >= next_report:
                report_progress(total // 2 + rows.count(session), total, rows.table)
                next_report = time.monotonic() + _PROGRESS_SECONDS
    report_progress(total, total, "")


@dataclass
class _DumpedRows:
    """Counts the rows that pg_dump has read: of the tables before `table`, and of that one."""

    row_counts: Mapping[str, int]
    table: str = ""
    _complete: set[str] = field(default_factory=set)
    _current_count: int = 0

    def count(self, session: DatabaseSession) -> int:
        session.execute(_CLEAR_ACTIVITY)
        row = session.execute(_COPY_PROGRESS).fetchone()
        if row is not None:
            if row[0] != self.table:
                self._complete.add(self.table)
            self.table, self._current_count = row
        return sum(self.row_counts.get(table, 0) for table in self._complete) + self._current_count
