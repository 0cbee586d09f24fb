"""The manifest of a backup: what it contains, and what is needed to restore it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from dashboard.server.backup.errors import BackupError

FORMAT_VERSION = 1


class TableSum(msgspec.Struct, frozen=True):
    """The number of rows of a table, and the sum of the hashes of their texts, which no order of rows changes."""

    rows: int
    sum: str


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest.

    Attributes:
        created_at: the time of the snapshot.
        runglass_version: the version that wrote the backup.
        postgres_version: the version of the server, as the number `server_version_num`, such as 180006.
        pg_dump_version: the major version of the program that wrote the dump.
        schema: the schema of the tables.
        migrations: the names of the applied migrations by app.
        tables: the content of each table whose data is part of the backup.
    """

    format: int
    created_at: datetime
    runglass_version: str
    postgres_version: int
    pg_dump_version: int
    schema: str
    migrations: Mapping[str, list[str]]
    tables: Mapping[str, TableSum]

    @property
    def postgres_major(self) -> int:
        """The major version of the server."""
        return self.postgres_version // 10_000

    @property
    def row_count(self) -> int:
        """The number of rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    def to_json(self) -> bytes:
        """Return the manifest as indented JSON, for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def parse_manifest(content: bytes) -> BackupManifest:
    """Return the manifest in `content`. Raises BackupError."""
    try:
        header = msgspec.json.decode(content, type=dict[str, object])
        if header.get("format") != FORMAT_VERSION:
            raise BackupError(
                f"It has the format {header.get('format')}, of another version of Runglass: this one reads "
                f"{FORMAT_VERSION}. Use version {header.get('runglass_version')}"
            )
        return msgspec.json.decode(content, type=BackupManifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"Its manifest is damaged: {error}") from error
