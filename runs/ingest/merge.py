"""The merge of posted records into a stored one: the new state, the outcome of each post, and the new history.

This module does not access the database. Snapshots of a record are ordered by what they say of themselves, never by
their time of arrival: first by their position in its life (`SnapshotOrder`), then by content, if one has all that the
other one has and more. So any order and any repetition of them end in the same state. Only between snapshots that
contradict each other, or that differ in metadata alone, the last posted one wins; the history keeps what it replaced.
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

from runs.ingest.content_changes import ContentChange, compare_members
from runs.ingest.record_types import ParsedRecord, RecordColumns, RecordType
from runs.models import RunSource
from runs.protocol.assistant import AssistantColumns
from runs.protocol.lossless_json import canonical_json, clean_text, is_same_json, join_members
from runs.protocol.message import ACTIVE_MESSAGE_STATUSES, MessageColumns
from runs.protocol.responses.response import ENDED_RESPONSE_STATUSES, ResponseColumns
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
    move started_at forward when a run continues after tool outputs. `turn` orders the statuses of an active run with
    the same started_at.
    """

    stage: int
    started: datetime = _NEVER
    ended: datetime = _NEVER
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The time of a request, and the API key that it came with, None for a command.

    Records of a source other than `ASSISTANTS` are derived from other objects. They are always the whole truth: each
    replaces the stored record, however far that was in its life, and leaves no history, which those objects have.
    """

    at: datetime
    key_id: int | None = None
    source: RunSource = RunSource.ASSISTANTS

    @property
    def is_derived(self) -> bool:
        """Return whether the records are derived."""
        return self.source is not RunSource.ASSISTANTS


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
    """An entry of a record's history (see `runs.models.PostedObservation`)."""

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
    outcome = Outcome.UNCHANGED
    if current.columns != record.columns or current.configuration_id != record.configuration_id:
        outcome = (
            Outcome.UPDATED
            if receipt.is_derived
            else _merge_change(plan, record_type, current, record, configuration_bodies)
        )
    if outcome is Outcome.UPDATED:
        columns = _keep_time_of_receipt(current.columns, record.columns)
        # the validation of a step's calls does not hold for a changed step
        plan.after = replace(current, columns=columns, configuration_id=record.configuration_id, validation=None)
    plan.outcomes[record.index] = outcome


def _keep_time_of_receipt(stored: RecordColumns, posted: RecordColumns) -> RecordColumns:
    """Return `posted`; if its time of creation is that of its receipt, with the stored time, so that it never moves."""
    if isinstance(stored, AssistantColumns | ResponseColumns) or isinstance(posted, AssistantColumns | ResponseColumns):
        return posted
    return posted if posted.posted_created_at is None else replace(posted, created_at=stored.created_at)


def _merge_change(
    plan: MergePlan,
    record_type: RecordType,
    current: StoredRecord,
    record: ParsedRecord,
    configuration_bodies: Mapping[uuid.UUID, str],
) -> Outcome:
    """Return the outcome of a snapshot whose columns differ, and add the difference to the history.

    If only the order of names differs, the record is unchanged.
    """
    current_body = record_body = "{}"
    if current.configuration_id != record.configuration_id:
        current_body = configuration_bodies[current.configuration_id] if current.configuration_id else "{}"
        record_body = configuration_bodies[record.configuration_id] if record.configuration_id else "{}"
    before = record_type.build_members(current.columns, current_body)
    posted = record_type.build_members(record.columns, record_body)
    changed = find_changed_members(before, posted)
    if not changed:
        return Outcome.UNCHANGED
    outcome, is_conflict = _choose_snapshot(record_type, current.columns, record.columns, before, posted, changed)
    if record_type.observation_model is not None:
        other = before if outcome is Outcome.UPDATED else posted
        plan.history.append(
            HistoryEntry(
                outcome=outcome,
                status_before=_get_status(current.columns),
                status_after=_get_status(record.columns),
                changed=[clean_text(name) for name in changed],
                other=join_members({name: other[name] for name in changed if name in other}).decode(),
                conflict=is_conflict,
                digest=_record_digest(record_type, record),
            )
        )
    return outcome


def _choose_snapshot(
    record_type: RecordType,
    stored: RecordColumns,
    posted: RecordColumns,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    changed: Iterable[str],
) -> tuple[Outcome, bool]:
    """Return the outcome of a snapshot that differs in the members `changed`, and whether the two contradict.

    `before` and `after` are the members of both. Content decides before all other members, so that an emptier snapshot
    does not win by an unknown field. Usage decides first: it is added after the end, and never removed.
    """
    order = snapshot_order(stored), snapshot_order(posted)
    if order[0] != order[1]:
        return Outcome.STALE if order[1] < order[0] else Outcome.UPDATED, has_conflicting_end(stored, posted)
    content = record_type.content_members.intersection(changed)
    others = set(changed) - record_type.content_members - record_type.mutable_members
    change = compare_members(before, after, content)
    has_other_end = has_conflicting_end(stored, posted)  # a completed run lacks the error of a failed one
    is_emptier = compare_members(before, after, content & {"usage"}) is ContentChange.LOST or (
        not has_other_end and (change or compare_members(before, after, others)) is ContentChange.LOST
    )
    is_contradiction = has_other_end or change == ContentChange.LOST | ContentChange.GAINED
    return Outcome.STALE if is_emptier else Outcome.UPDATED, is_contradiction


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


def has_conflicting_end(stored: RecordColumns, posted: RecordColumns) -> bool:
    """Return whether two snapshots of a run or step disagree about how it ended."""
    statuses = {_get_status(stored), _get_status(posted)}
    terminal = TERMINAL_STEP_STATUSES if isinstance(stored, StepColumns) else TERMINAL_RUN_STATUSES
    return len(statuses) == 2 and statuses <= terminal


def snapshot_order(columns: RecordColumns) -> SnapshotOrder:
    """Return the position of a snapshot in the life of its record."""
    match columns:
        case RunColumns():
            is_ended = columns.status in TERMINAL_RUN_STATUSES
            stage = 2 if is_ended else 1 if columns.status == "cancelling" else 0
            ended = columns.ended_at if is_ended else None
            return SnapshotOrder(stage, columns.started_at or _NEVER, ended or _NEVER, _find_turn(columns))
        case StepColumns():
            is_ended = columns.status in TERMINAL_STEP_STATUSES
            ended = columns.ended_at if is_ended else None
            return SnapshotOrder(2 if is_ended else 0, ended=ended or _NEVER)
        case MessageColumns():
            stage = 0 if columns.status in ACTIVE_MESSAGE_STATUSES else 2
            return SnapshotOrder(stage, ended=columns.completed_at or columns.incomplete_at or _NEVER)
        case ResponseColumns():
            is_ended = columns.status in ENDED_RESPONSE_STATUSES
            turn = 0 if columns.status == "queued" else 1
            return SnapshotOrder(2 if is_ended else 0, ended=columns.completed_at or _NEVER, turn=turn)
        case AssistantColumns():
            return SnapshotOrder(0)  # assistants do not say when they changed


def _find_turn(columns: RunColumns) -> int:
    """Return the position of an active run among its snapshots with the same started_at.

    In all recorded lives of runs, a run is in progress, then requires action, and is then queued again with the same
    started_at, which moves forward when the run goes on. A run that was never started is queued first.
    """
    match columns.status:
        case "queued":
            return 3 if columns.started_at else 0
        case "requires_action":
            return 2
        case _:
            return 1


def _get_status(columns: RecordColumns) -> str:
    return "" if isinstance(columns, AssistantColumns) else columns.status or ""
