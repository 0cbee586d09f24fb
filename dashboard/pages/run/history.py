"""The history of a run: every post that was stored, and the differences between any two versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property

from dashboard.ui.field_changes import FieldChange, diff_fields
from runs.models import ApiKey, PostedObservation, Run, find_observations
from runs.models.record_history import RecordHistoryEntry, RecordVersion, build_history_entries, rebuild_versions
from runs.protocol.timestamps import milliseconds_between


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An entry of the history.

    `source` is the name of the API key, or "" for a command. `after_ms` is the time since the previous entry.
    `version_before` is the version that was current when the post arrived.
    """

    entry: RecordHistoryEntry
    source: str
    after_ms: int | None
    version_before: int | None = None

    @property
    def received(self) -> str:
        """The time of receipt in UTC, to the millisecond."""
        utc = self.entry.received_at.astimezone(UTC)
        return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03}"


@dataclass(frozen=True, slots=True)
class RunVersionDiff:
    """Two versions and the fields that differ."""

    left: RecordVersion
    right: RecordVersion
    fields: list[FieldChange]


@dataclass
class HistorySection:
    """The history of `run`. `diff` compares two versions, if any are requested."""

    run: Run
    diff: RunVersionDiff | None = None

    @cached_property
    def rows(self) -> list[HistoryRow]:
        """The entries, oldest first."""
        entries = build_history_entries(self.run, list(find_observations(self.run).for_list()))
        key_names = ApiKey.objects.names_by_id(entry.key_id for entry in entries)
        rows: list[HistoryRow] = []
        version: int | None = None
        for entry in entries:
            source = "" if entry.key_id is None else key_names.get(entry.key_id, f"key {entry.key_id}")
            after_ms = milliseconds_between(rows[-1].entry.received_at, entry.received_at) if rows else None
            rows.append(HistoryRow(entry, source, after_ms, version))
            if entry.outcome != PostedObservation.Outcome.STALE:  # A stale post never becomes the current version.
                version = entry.n
        return rows


def fetch_version_diff(run: Run, left: int, right: int) -> RunVersionDiff | None:
    """Compare two versions of `run` by their numbers. Return None if one of them does not exist."""
    versions = rebuild_versions(run, list(find_observations(run)))
    if left not in versions or right not in versions:
        return None
    fields = diff_fields(versions[left].members, versions[right].members)
    return RunVersionDiff(versions[left], versions[right], fields)
