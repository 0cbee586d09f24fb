"""What was posted about a run, post by post."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise

from dashboard.ui import field_changes
from dashboard.ui.field_changes import FieldChange
from runs.models import Observation
from runs.models.run_history import RunHistoryEntry, RunVersion
from runs.protocol.timestamps import milliseconds_between


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An entry with the name of its key ("" for a command) and the time since the entry before it.

    `before` is the place of the version that stood when it came.
    """

    entry: RunHistoryEntry
    source: str
    after_ms: int | None
    before: int | None = None

    @property
    def received(self) -> str:
        """To the millisecond: this time is measured here."""
        utc = self.entry.received_at.astimezone(UTC)
        return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03}"


def build_history_rows(entries: Sequence[RunHistoryEntry], key_names: Mapping[int, str]) -> list[HistoryRow]:
    """The history, oldest first."""
    gaps = [
        None,
        *(milliseconds_between(before.received_at, after.received_at) for before, after in pairwise(entries)),
    ]
    found = zip(entries, gaps, _standing(entries), strict=True)
    return [HistoryRow(entry, _source(entry, key_names), gap, before) for entry, gap, before in found]


@dataclass(frozen=True, slots=True)
class RunVersionDiff:
    """Two versions and what differs between them."""

    left: RunVersion
    right: RunVersion
    fields: list[FieldChange]


def diff_run_versions(versions: Mapping[int, RunVersion], left: int, right: int) -> RunVersionDiff | None:
    """The versions at two places of the history; None where there is none at one of them."""
    if left not in versions or right not in versions:
        return None
    return RunVersionDiff(
        versions[left],
        versions[right],
        field_changes.diff_fields(versions[left].members, versions[right].members),
    )


def _standing(entries: Iterable[RunHistoryEntry]) -> Iterator[int | None]:
    """For each entry the place of the one that stood before it; stale ones never do."""
    stands: int | None = None
    for entry in entries:
        yield stands
        if entry.outcome != Observation.Outcome.STALE:
            stands = entry.n


def _source(entry: RunHistoryEntry, key_names: Mapping[int, str]) -> str:
    return "" if entry.key_id is None else key_names.get(entry.key_id, f"key {entry.key_id}")
