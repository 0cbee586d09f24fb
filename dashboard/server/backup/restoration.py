"""Restore a backup into an empty database, and compare what is in it then with the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO

import psycopg

from dashboard.server.backup.archive import BackupReader
from dashboard.server.backup.connections import DatabaseSession, fetch_value
from dashboard.server.backup.empty_database import claim_empty_database
from dashboard.server.backup.errors import BackupError
from dashboard.server.backup.loading import load_dump
from dashboard.server.backup.manifest import BackupManifest, parse_manifest
from dashboard.server.backup.table_sums import CURRENT_SCHEMA, ReportProgress, compute_table_sums

_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"


def restore_database(
    session: DatabaseSession,
    file: IO[bytes],
    report_progress: ReportProgress,
    complete: Callable[[BackupReader], None] = lambda _: None,
) -> BackupManifest:
    """Restore the backup in `file`, which has been verified, into the empty database of `session`.

    The progress is in rows: they are loaded, as estimated by the bytes read, and then compared. `complete` is called
    before the database counts as usable.

    Raises BackupError, also if the database is not empty, and psycopg.Error.
    """
    reader = BackupReader(file)
    manifest = parse_manifest(reader.manifest_json)
    _reject_unfit_server(session, manifest)
    with claim_empty_database(session):
        _create_extension(session)
        load_dump(session, manifest, _iterate_dump(file, reader, manifest, report_progress))
        _compare_tables(session, manifest, report_progress)
        complete(reader)
    return manifest


def _reject_unfit_server(session: DatabaseSession, manifest: BackupManifest) -> None:
    major, schema = session.info.server_version // 10_000, fetch_value(session, CURRENT_SCHEMA)
    if major < manifest.postgres_major:
        raise BackupError(
            f"The backup is from Postgres {manifest.postgres_major}, but this server runs Postgres {major}: "
            f"restore it on Postgres {manifest.postgres_major} or newer"
        )
    if schema != manifest.schema:
        raise BackupError(
            f"The tables of the backup are in the schema {manifest.schema}, but new tables of this database come into "
            f"{schema or 'none'}: create that schema, and name it first in the search_path of the role"
        )


def _create_extension(session: DatabaseSession) -> None:
    try:
        session.execute(_EXTENSION.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            f"The role of the connection may not create an extension: let a superuser run `{_EXTENSION}`"
        ) from error


def _iterate_dump(
    file: IO[bytes], reader: BackupReader, manifest: BackupManifest, report_progress: ReportProgress
) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    for piece in reader.iterate_dump():
        report_progress(manifest.row_count * reader.position // size, 2 * manifest.row_count, "")
        yield piece


def _compare_tables(session: DatabaseSession, manifest: BackupManifest, report_progress: ReportProgress) -> None:
    loaded = manifest.row_count
    sums = compute_table_sums(
        session, list(manifest.tables), lambda done, _, table: report_progress(loaded + done, 2 * loaded, table)
    )
    for table, expected in manifest.tables.items():
        if sums[table] != expected:
            raise BackupError(
                f"The restored table {table} differs from the backup: {sums[table].rows:,} rows, expected "
                f"{expected.rows:,}; sum {sums[table].sum}, expected {expected.sum}"
            )
