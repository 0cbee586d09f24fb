"""Numbers of the instance that are too expensive for each scrape or page: the maintenance process collects them.

They are kept in a file, so that pages and scrapes show them while the database is away, with the time of their
collection.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from django.db import connection
from msgspec import Struct

from dashboard.monitoring.recent_activity import write_shared_file
from runs.enrichment.maintenance import Maintenance
from runs.team.backup_status import fetch_backup_status

FILE_NAME = "state.json"
COLLECT_SECONDS = 15.0
SIZES_SECONDS = 60.0

_CONNECTIONS = """
    SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1"""
_TABLES = """
    SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint FROM pg_class
     WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 2 DESC, 1"""
# Steps that call functions are validated once their run has arrived.
_PENDING_SECONDS = """
    SELECT coalesce(max(extract(epoch FROM now() - oldest.received_at)), 0)::float FROM project, LATERAL (
        SELECT received_at FROM run_step
         WHERE project_id = project.id AND tool_types <> '{}' AND invalid_calls IS NULL
           AND (NOT 'function' = ANY(tool_types) OR EXISTS (SELECT FROM run WHERE run.id = run_step.run_id))
         ORDER BY received_at LIMIT 1) AS oldest"""


class TableSize(Struct, frozen=True):
    """The size of a table with its indexes, and the number of its rows as the server estimates it."""

    name: str
    size_bytes: int
    rows: int


class DatabaseState(Struct, frozen=True):
    """The database, as it was when it could last be asked."""

    server_version: str
    size_bytes: int
    max_connections: int
    connections: dict[str, int]
    tables: list[TableSize]


class MaintenanceState(Struct, frozen=True):
    """Describes how far maintenance is behind.

    Attributes:
        pending_seconds: the age of the oldest step whose tool calls are not validated yet; 0 if there is none.
        uncompacted_rows: the rows that were inserted into rollups since they were compacted.
        uncompacted_seconds: the age of the oldest of them; 0 if there are none.
    """

    pending_seconds: float
    uncompacted_rows: int
    uncompacted_seconds: float


class BackupState(Struct, frozen=True):
    """The last successful backup, by the beginning of its snapshot, and what is wrong with backups."""

    last_success_at: float | None
    warning: str

    @property
    def last_success_time(self) -> datetime | None:
        """The time of the last successful backup."""
        return None if self.last_success_at is None else datetime.fromtimestamp(self.last_success_at, UTC)


class InstanceState(Struct, frozen=True):
    """All of it. `collected_at` is in seconds since 1970."""

    collected_at: float
    is_database_available: bool
    database: DatabaseState | None = None
    maintenance: MaintenanceState | None = None
    backup: BackupState | None = None


@dataclass
class InstanceStateCollector:
    """Collects the state from time to time, in the maintenance process."""

    directory: Path
    _collected_at: float = float("-inf")
    _sized_at: float = float("-inf")
    _state: InstanceState = field(default_factory=lambda: InstanceState(0.0, is_database_available=False))

    def is_due(self) -> bool:
        """Return whether the state is old enough to be collected again."""
        return time.monotonic() >= self._collected_at + COLLECT_SECONDS

    def collect(self, maintenance: Maintenance) -> None:
        """Collect the state and write it. Raises Django's DatabaseError, and OSError."""
        self._collected_at = time.monotonic()
        database = self._state.database
        if database is None or self._collected_at >= self._sized_at + SIZES_SECONDS:
            database, self._sized_at = read_database_state(), self._collected_at
        maintenance_state, backup = _read_maintenance_state(maintenance), _read_backup_state()
        self._write(InstanceState(time.time(), True, database, maintenance_state, backup))

    def note_outage(self) -> None:
        """Write that the database is not available; the numbers stay as they were. Raises OSError."""
        if self._state.is_database_available:
            self._write(msgspec.structs.replace(self._state, collected_at=time.time(), is_database_available=False))

    def _write(self, state: InstanceState) -> None:
        self._state = state
        write_shared_file(self.directory / FILE_NAME, msgspec.json.encode(state))


def read_instance_state(directory: Path | None) -> InstanceState | None:
    """Return the state that was collected last; None if there is none yet."""
    if directory is None:
        return None
    try:
        return msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=InstanceState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def read_database_state() -> DatabaseState:
    """Ask the database for its version, its sizes and its connections. Raises Django's DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " current_setting('max_connections')::integer"
        )
        version, size, max_connections = cursor.fetchone()
        cursor.execute(_TABLES)
        tables = [TableSize(*row) for row in cursor.fetchall()]
        cursor.execute(_CONNECTIONS)
        return DatabaseState(version, size, max_connections, dict(cursor.fetchall()), tables)


def _read_maintenance_state(maintenance: Maintenance) -> MaintenanceState:
    with connection.cursor() as cursor:
        cursor.execute(_PENDING_SECONDS)
        pending_seconds: float = cursor.fetchone()[0]
    return MaintenanceState(pending_seconds, maintenance.uncompacted_rows, maintenance.uncompacted_seconds)


def _read_backup_state() -> BackupState:
    status = fetch_backup_status()
    last_success_at = status.last_success.started_at.timestamp() if status.last_success else None
    return BackupState(last_success_at, status.warning)
