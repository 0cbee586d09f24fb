"""Collect the numbers of the status page. None of them needs the database but the user's projects."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings

from dashboard.monitoring.exposition import get_uptime_seconds, read_counter
from dashboard.monitoring.instance_state import InstanceState, read_instance_state
from dashboard.monitoring.process_values import get_shared_directory
from dashboard.monitoring.recent_activity import Refusal, SlowRequest, read_recent_activity
from runs import __version__

# The maintenance process collects every 15 seconds, unless it is in the middle of something.
STALE_SECONDS = 120.0
LAG_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class InstanceNumbers:
    """The content of the status page. `state` is None until the maintenance process has collected it."""

    version: str
    uptime: timedelta
    disk_free_bytes: int
    disk_size_bytes: int
    state: InstanceState | None
    slow_requests: list[SlowRequest]
    refusals: list[Refusal]
    replaced_workers: int
    replaced_maintenance: int

    @property
    def disk_used_bytes(self) -> int:
        """The used part of the volume of the data directory."""
        return self.disk_size_bytes - self.disk_free_bytes

    @property
    def warnings(self) -> list[str]:
        """Sentences about what somebody should look at."""
        if self.state is None:
            return []
        found = []
        if not self.state.is_database_available:
            found.append("The database was not available when maintenance last asked it.")
        if time.time() - self.state.collected_at > STALE_SECONDS:
            found.append("Maintenance has not reported for some minutes: the numbers below are old.")
        if self.state.maintenance is not None and self.state.maintenance.pending_seconds > LAG_SECONDS:
            found.append("Maintenance is more than an hour behind.")
        if self.state.backup is not None and self.state.backup.warning:
            found.append(f"{self.state.backup.warning}.")
        return found


def read_instance_numbers(visible_projects: set[str]) -> InstanceNumbers:
    """Return the numbers. The questions of slow reads are only shown for `visible_projects`, given by their slugs."""
    directory = get_shared_directory()
    disk = shutil.disk_usage(settings.DATA_DIR)
    slow, refusals = ([], []) if directory is None else read_recent_activity(directory)
    return InstanceNumbers(
        version=__version__,
        uptime=timedelta(seconds=int(get_uptime_seconds())),
        disk_free_bytes=disk.free,
        disk_size_bytes=disk.total,
        state=read_instance_state(directory),
        slow_requests=[_hide_question(request, visible_projects) for request in slow],
        refusals=refusals,
        replaced_workers=read_counter("runglass_process_replacements_total", kind="worker"),
        replaced_maintenance=read_counter("runglass_process_replacements_total", kind="maintenance"),
    )


def serialize_instance_numbers(numbers: InstanceNumbers) -> dict[str, Any]:
    """Return the JSON document of the numbers, with times in ISO 8601."""
    return {
        "version": numbers.version,
        "uptime_seconds": int(numbers.uptime.total_seconds()),
        "disk": {"free_bytes": numbers.disk_free_bytes, "size_bytes": numbers.disk_size_bytes},
        "replaced": {"workers": numbers.replaced_workers, "maintenance": numbers.replaced_maintenance},
        "state": numbers.state and msgspec.to_builtins(numbers.state) | {"collected_at": to_time(numbers.state)},
        "slow_requests": [msgspec.to_builtins(slow) | {"at": to_time(slow)} for slow in numbers.slow_requests],
        "refusals": [msgspec.to_builtins(refusal) | {"at": to_time(refusal)} for refusal in numbers.refusals],
        "warnings": numbers.warnings,
    }


def to_time(item: InstanceState | SlowRequest | Refusal) -> datetime:
    """Return when something happened."""
    return datetime.fromtimestamp(item.collected_at if isinstance(item, InstanceState) else item.at, UTC)


def _hide_question(request: SlowRequest, visible_projects: set[str]) -> SlowRequest:
    is_visible = request.project in visible_projects
    return request if is_visible else msgspec.structs.replace(request, question="")
