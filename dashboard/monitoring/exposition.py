"""Everything that is measured, in the text format of Prometheus."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dashboard.monitoring.instance_state import DatabaseState, InstanceState, MaintenanceState, read_instance_state
from dashboard.monitoring.process_values import get_shared_directory
from runs import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Of the process that all others are forks of, by both clocks: only the second one never jumps.
_STARTED_AT, _STARTED = time.time(), time.monotonic()


class InstanceCollector(Collector):
    """Yields the numbers of the instance that are not counted: those of the disk, and the collected state."""

    def __init__(self, directory: Path | None) -> None:
        """Create it for the directory that the processes of the instance share."""
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. Those that are not known yet are left out."""
        yield InfoMetricFamily("runglass", "The version of Runglass", {"version": __version__})
        yield _gauge("start_time_seconds", "Time of the start, in seconds since 1970", _STARTED_AT)
        yield from _collect_disk()
        if (state := read_instance_state(self._directory)) is not None:
            yield from _collect_state(state)


def render_metrics() -> bytes:
    """Return all metrics of the instance; outside of `up`, those of this process."""
    directory, registry = get_shared_directory(), CollectorRegistry()
    if directory is not None:
        MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    registry.register(InstanceCollector(directory))
    return generate_latest(registry) if directory is not None else generate_latest(REGISTRY) + generate_latest(registry)


def read_counter(name: str, **labels: str) -> int:
    """Return the value of a counter, of all processes; 0 if nothing was counted."""
    directory, registry = get_shared_directory(), REGISTRY
    if directory is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return int(registry.get_sample_value(name, labels) or 0)


def get_uptime_seconds() -> float:
    """Return the time since the start."""
    return time.monotonic() - _STARTED


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"runglass_{name}", documentation, value=value)


def _labelled_gauge(name: str, documentation: str, label: str, values: Iterator[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"runglass_{name}", documentation, labels=[label])
    for label_value, value in values:
        family.add_metric([label_value], value)
    return family


def _collect_disk() -> Iterator[Metric]:
    disk = shutil.disk_usage(settings.DATA_DIR)
    yield _gauge("disk_free_bytes", "Room on the volume of the data directory", disk.free)
    yield _gauge("disk_size_bytes", "Size of the volume of the data directory", disk.total)


def _collect_state(state: InstanceState) -> Iterator[Metric]:
    yield _gauge("state_timestamp_seconds", "When maintenance collected what follows", state.collected_at)
    yield _gauge("database_up", "Whether maintenance could ask the database", state.is_database_available)
    if state.database is not None:
        yield from _collect_database(state.database)
    if state.maintenance is not None:
        yield from _collect_maintenance(state.maintenance)
    if state.backup is not None and state.backup.last_success_at is not None:
        yield _gauge("last_backup_timestamp_seconds", "When the last backup began", state.backup.last_success_at)


def _collect_database(database: DatabaseState) -> Iterator[Metric]:
    yield _gauge("database_size_bytes", "Size of the database", database.size_bytes)
    yield _labelled_gauge(
        "table_size_bytes", "Size of a table with its indexes", "table",
        ((table.name, table.size_bytes) for table in database.tables),
    )  # fmt: skip
    yield _labelled_gauge(
        "database_connections", "Connections to the database by state, of all its clients", "state",
        ((state, count) for state, count in database.connections.items()),
    )  # fmt: skip
    yield _gauge("database_max_connections", "Connections that the server accepts", database.max_connections)


def _collect_maintenance(maintenance: MaintenanceState) -> Iterator[Metric]:
    yield _gauge(
        "maintenance_lag_seconds", "Age of the oldest step whose tool calls are not validated yet",
        maintenance.pending_seconds,
    )  # fmt: skip
    yield _gauge("rollup_uncompacted_rows", "Rows in rollups since their compaction", maintenance.uncompacted_rows)
    yield _gauge("rollup_uncompacted_age_seconds", "Age of the oldest of these rows", maintenance.uncompacted_seconds)
