"""The merge of posted records into a stored one: the new state, the outcome of each post, and the new history.

This module does not access the database. Snapshots of a record are ordered by their content, never by their time of
arrival. So any order and any repetition of a record's snapshots end in the same state.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from runs.ingest.record_types import ParsedRecord, RecordColumns, RecordType
from runs.protocol.assistant import AssistantColumns
from runs.protocol.lossless_json import canonical_json, clean_text, is_same_json, join_members
from runs.protocol.message import ACTIVE_MESSAGE_STATUSES, MessageColumns
from runs.protocol.run import TERMINAL_RUN_STATUSES, RunColumns
from runs.protocol.step import TERMINAL_STEP_STATUSES, StepColumns
from runs.rollups.tool_calls import ToolCallValidation

_NEVER = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """The outcome of a valid posted object."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class SnapshotOrder(NamedTuple):
    """The position of a snapshot in the life of its record; the greatest one is stored.

    `stage` is 0 for active or unknown, 1 for cancelling, 2 for ended. `started` comes before `ended`, since servers
    move started_at forward when a run continues after tool outputs. Usage is added after the end, never removed.
    """

    stage: int
    started: datetime = _NEVER
    ended: datetime = _NEVER
    has_usage: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The time of a request, and the API key that it came with, None for a command."""

    at: datetime
    key_id: int | None = None


class StoredRecord(Struct, frozen=True):
    """A record as its row holds it. Only steps have a validation of their tool calls."""

    columns: RecordColumns
    configuration_id: uuid.UUID | None
    version: int
    received_at: datetime
    received_key_id: int | None
    history_length: int
    validation: ToolCallValidation | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of a run's history (see `runs.models.Observation`)."""

    outcome: Outcome
    status_before: str
    status_after: str
    changed: list[str]
    other: str
    conflict: bool
    digest: int


class MergePlan(Struct):
    """The record `before` the merge, and what to write `after` it if `must_write`.

    `outcomes` are those of the posted records by their index in the body.
    """

    before: StoredRecord | None
    after: StoredRecord | None = None
    must_write: bool = False
    outcomes: dict[int, Outcome] = {}
    history: list[HistoryEntry] = []

    @property
    def is_only_seen(self) -> bool:
        """Return whether there is nothing to write except that the record was received again."""
        return self.before is not None and not self.must_write


def build_merge_plan(
    record_type: RecordType,
    stored: StoredRecord | None,
    records: Iterable[ParsedRecord],
    configuration_bodies: Mapping[uuid.UUID, str],
    receipt: Receipt,
) -> MergePlan:
    """Merge `records`, in the order in which they were posted, into the stored record.

    `configuration_bodies` has the JSON of every configuration in which they differ, by its id.
    """
    plan = MergePlan(stored, stored)
    for record in records:
        _merge_record(plan, record_type, record, configuration_bodies, receipt)
    return plan


def drop_recorded_entries(plan: MergePlan, recorded_digests: set[int]) -> None:
    """Drop stale entries that are already in the history, and set version and length of history of the result."""
    if plan.before is None and not plan.history:
        return  # a new record, complete as it is
    fresh: list[HistoryEntry] = []
    for entry in plan.history:
        if entry.outcome is Outcome.STALE and entry.digest in recorded_digests:
            continue
        recorded_digests.add(entry.digest)
        fresh.append(entry)
    plan.history = fresh
    is_changed = any(outcome in (Outcome.CREATED, Outcome.UPDATED) for outcome in plan.outcomes.values())
    plan.must_write = is_changed or bool(fresh)
    if plan.after is not None and plan.must_write:
        version = plan.before.version + 1 if plan.before else 1
        length = (plan.before.history_length if plan.before else 0) + len(fresh)
        plan.after = replace(plan.after, version=version, history_length=length)


def _merge_record(
    plan: MergePlan,
    record_type: RecordType,
    record: ParsedRecord,
    configuration_bodies: Mapping[uuid.UUID, str],
    receipt: Receipt,
) -> None:
    current = plan.after
    if current is None:
        plan.outcomes[record.index] = Outcome.CREATED
        plan.after = StoredRecord(record.columns, record.configuration_id, 1, receipt.at, receipt.key_id, 0)
        plan.must_write = True
        return
    outcome = compare_snapshots(current.columns, record.columns)
    if outcome is Outcome.UNCHANGED and record.configuration_id != current.configuration_id:
        outcome = Outcome.UPDATED
    if outcome is not Outcome.UNCHANGED:
        outcome = _record_change(plan, record_type, current, record, configuration_bodies, outcome)
    if outcome is Outcome.UPDATED:
        # the validation of a step's calls does not hold for a changed step
        plan.after = replace(current, columns=record.columns, configuration_id=record.configuration_id, validation=None)
    plan.outcomes[record.index] = outcome


def _record_change(
    plan: MergePlan,
    record_type: RecordType,
    current: StoredRecord,
    record: ParsedRecord,
    configuration_bodies: Mapping[uuid.UUID, str],
    outcome: Outcome,
) -> Outcome:
    """Add the difference to the history. If only the order of names differs, the record is unchanged."""
    current_body = record_body = "{}"
    if current.configuration_id != record.configuration_id:
        current_body = configuration_bodies[current.configuration_id] if current.configuration_id else "{}"
        record_body = configuration_bodies[record.configuration_id] if record.configuration_id else "{}"
    before = record_type.build_members(current.columns, current_body)
    posted = record_type.build_members(record.columns, record_body)
    changed = find_changed_members(before, posted)
    if not changed:
        return Outcome.UNCHANGED
    if isinstance(current.columns, RunColumns) and isinstance(record.columns, RunColumns):
        other = before if outcome is Outcome.UPDATED else posted
        plan.history.append(
            HistoryEntry(
                outcome=outcome,
                status_before=current.columns.status,
                status_after=record.columns.status,
                changed=[clean_text(name) for name in changed],
                other=join_members({name: other[name] for name in changed if name in other}).decode(),
                conflict=has_conflicting_end(current.columns, record.columns),
                digest=_record_digest(record_type, record),
            )
        )
    return outcome


def find_changed_members(left: Mapping[str, bytes], right: Mapping[str, bytes]) -> list[str]:
    """Return the names, in order, of members that are in one object only or have different values."""
    names = dict.fromkeys((*left, *right))
    return [
        name for name in names if name not in left or name not in right or not is_same_json(left[name], right[name])
    ]


def _record_digest(record_type: RecordType, record: ParsedRecord) -> int:
    """Return a hash of the posted object. The configuration is always represented by its id."""
    content = canonical_json(join_members(record_type.build_members(record.columns, "{}")))
    content += record.configuration_id.bytes if record.configuration_id else b""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), signed=True)


def compare_snapshots(stored: RecordColumns | None, posted: RecordColumns) -> Outcome:
    """Return the outcome of `posted` for a stored snapshot. Of equally late snapshots, the last posted one wins."""
    if stored is None:
        return Outcome.CREATED
    if stored == posted:
        return Outcome.UNCHANGED
    return Outcome.STALE if snapshot_order(posted) < snapshot_order(stored) else Outcome.UPDATED


def has_conflicting_end(stored: RunColumns, posted: RunColumns) -> bool:
    """Return whether two snapshots of a run disagree about how it ended."""
    statuses = {stored.status, posted.status}
    return len(statuses) == 2 and statuses <= TERMINAL_RUN_STATUSES


def snapshot_order(columns: RecordColumns) -> SnapshotOrder:
    """Return the position of a snapshot in the life of its record."""
    match columns:
        case RunColumns():
            is_ended = columns.status in TERMINAL_RUN_STATUSES
            stage = 2 if is_ended else 1 if columns.status == "cancelling" else 0
            ended = columns.ended_at if is_ended else None
            return SnapshotOrder(stage, columns.started_at or _NEVER, ended or _NEVER, _has_usage(columns))
        case StepColumns():
            is_ended = columns.status in TERMINAL_STEP_STATUSES
            ended = columns.ended_at if is_ended else None
            return SnapshotOrder(2 if is_ended else 0, _NEVER, ended or _NEVER, _has_usage(columns))
        case MessageColumns():
            stage = 0 if columns.status in ACTIVE_MESSAGE_STATUSES else 2
            return SnapshotOrder(stage, _NEVER, columns.completed_at or columns.incomplete_at or _NEVER)
        case AssistantColumns():
            return SnapshotOrder(0)  # assistants do not say when they changed, so the last posted one wins


def _has_usage(columns: RunColumns | StepColumns) -> bool:
    return (columns.prompt_tokens, columns.completion_tokens, columns.total_tokens) != (None, None, None)
