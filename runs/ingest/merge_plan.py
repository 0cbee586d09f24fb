"""What a batch of posts does to one stored record: its new state, a verdict per post, its new history. Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from runs.ingest.merge import Outcome, RecordColumns, compare_snapshots, has_conflicting_end
from runs.ingest.record_types import ParsedRecord, RecordType
from runs.protocol import lossless_json
from runs.protocol.run import RunColumns
from runs.rollups.tool_calls import ToolCallValidation


class StoredRecord(Struct, frozen=True):
    """A record as it is stored, with what Runglass keeps about it; `verdict` is on a step."""

    record: RecordColumns
    configuration_id: uuid.UUID | None
    version: int
    received_at: datetime
    received_key_id: int | None
    history_length: int
    verdict: ToolCallValidation | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry for a run's history (see `runs.models.Observation`)."""

    outcome: Outcome
    status_before: str
    status_after: str
    changed: list[str]
    other: str
    conflict: bool
    digest: int


class MergePlan(Struct):
    """`held` is what to write where `writes`; `before` is what was read."""

    before: StoredRecord | None
    held: StoredRecord | None = None
    writes: bool = False
    outcomes: dict[int, Outcome] = {}
    entries: list[HistoryEntry] = []

    @property
    def is_seen_again(self) -> bool:
        """Whether there is nothing to write but that the record was received again."""
        return self.before is not None and not self.writes


@dataclass(frozen=True, slots=True)
class Receipt:
    """When a request came, and with which key (None: a command)."""

    at: datetime
    key_id: int | None = None


def build_merge_plan(
    kind: RecordType,
    before: StoredRecord | None,
    posts: Iterable[ParsedRecord],
    bodies: Mapping[uuid.UUID, str],
    receipt: Receipt,
) -> MergePlan:
    """Merge `posts`, in the order in which they came, into `before`.

    `bodies`: the text of every configuration that differs between them, by its id.
    """
    result = MergePlan(before, before)
    for post in posts:
        _merge_record(kind, result, post, bodies, receipt)
    return result


def drop_recorded_entries(planned: MergePlan, recorded: set[int]) -> None:
    """Drop stale entries that the history has already (`recorded`: their digests), and count the rest."""
    if planned.before is None and not planned.entries:
        return  # it is new, and as `plan` made it
    fresh: list[HistoryEntry] = []
    for entry in planned.entries:
        if entry.outcome is Outcome.STALE and entry.digest in recorded:
            continue
        recorded.add(entry.digest)
        fresh.append(entry)
    planned.entries = fresh
    changed = any(outcome in (Outcome.CREATED, Outcome.UPDATED) for outcome in planned.outcomes.values())
    planned.writes = changed or bool(fresh)
    if planned.held is not None and planned.writes:
        version = planned.before.version + 1 if planned.before else 1
        length = (planned.before.history_length if planned.before else 0) + len(fresh)
        planned.held = replace(planned.held, version=version, history_length=length)


def _merge_record(
    kind: RecordType, result: MergePlan, post: ParsedRecord, bodies: Mapping[uuid.UUID, str], receipt: Receipt
) -> None:
    held = result.held
    if held is None:
        result.outcomes[post.index] = Outcome.CREATED
        result.held = StoredRecord(post.record, post.configuration_id, 1, receipt.at, receipt.key_id, 0)
        result.writes = True
        return
    outcome = compare_snapshots(held.record, post.record)
    if outcome is Outcome.UNCHANGED and post.configuration_id != held.configuration_id:
        outcome = Outcome.UPDATED
    if outcome is not Outcome.UNCHANGED:
        outcome = _record_change(kind, result, held, post, bodies, outcome)
    if outcome is Outcome.UPDATED:
        # whether its calls keep to its run's tools is not known of a step that changed
        result.held = replace(held, record=post.record, configuration_id=post.configuration_id, verdict=None)
    result.outcomes[post.index] = outcome


def _record_change(
    kind: RecordType,
    result: MergePlan,
    held: StoredRecord,
    post: ParsedRecord,
    bodies: Mapping[uuid.UUID, str],
    outcome: Outcome,
) -> Outcome:
    """Add to the history what differs; where nothing does but the order of names, the post is unchanged."""
    same_setup = held.configuration_id == post.configuration_id
    before = kind.members(held.record, _configuration_body(held.configuration_id, bodies, same_setup))
    posted = kind.members(post.record, _configuration_body(post.configuration_id, bodies, same_setup))
    changed = find_changed_members(before, posted)
    if not changed:
        return Outcome.UNCHANGED
    if isinstance(held.record, RunColumns) and isinstance(post.record, RunColumns):
        other = before if outcome is Outcome.UPDATED else posted
        result.entries.append(
            HistoryEntry(
                outcome,
                held.record.status,
                post.record.status,
                [lossless_json.clean_text(name) for name in changed],
                lossless_json.join_members({name: other[name] for name in changed if name in other}).decode(),
                has_conflicting_end(held.record, post.record),
                _record_digest(kind, post),
            )
        )
    return outcome


def find_changed_members(left: Mapping[str, bytes], right: Mapping[str, bytes]) -> list[str]:
    """The members, in order, that are in one object only or say something else in the other."""
    names: Sequence[str] = list(dict.fromkeys((*left, *right)))
    return [
        name
        for name in names
        if name not in left or name not in right or not lossless_json.is_same_json(left[name], right[name])
    ]


def _configuration_body(configuration_id: uuid.UUID | None, bodies: Mapping[uuid.UUID, str], same_setup: bool) -> str:
    return "{}" if same_setup or configuration_id is None else bodies[configuration_id]


def _record_digest(kind: RecordType, post: ParsedRecord) -> int:
    """The same for equal posts, whatever they are compared with: the configuration counts by its id."""
    known = lossless_json.canonical_json(lossless_json.join_members(kind.members(post.record, "{}")))
    known += post.configuration_id.bytes if post.configuration_id else b""
    return int.from_bytes(hashlib.blake2b(known, digest_size=8).digest(), signed=True)
