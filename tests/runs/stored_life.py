"""A record as the database would store it, for tests of merging without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from runs.ingest import RUNS, RecordType
from runs.ingest.merge import (
    HistoryEntry,
    MergePlan,
    Receipt,
    StoredRecord,
    build_merge_plan,
    drop_recorded_entries,
)
from runs.ingest.record_types import ParsedRecord
from runs.models import Project
from runs.protocol import lossless_json
from runs.protocol.assistant import AssistantColumns
from tests.runs.lifecycles import as_bytes

PROJECT = Project(pk=1, slug="plan")


@dataclass
class StoredLife:
    """A record as a database would store it, with its history."""

    record_type: RecordType = RUNS
    stored: StoredRecord | None = None
    entries: list[HistoryEntry] = field(default_factory=list)
    bodies: dict[Any, str] = field(default_factory=dict)
    writes: int = 0

    def post(self, snapshots: Sequence[dict[str, Any]]) -> MergePlan:
        records = [self._parse(index, snapshot) for index, snapshot in enumerate(snapshots)]
        plan = build_merge_plan(self.record_type, self.stored, records, self.bodies, Receipt(timezone.now()))
        drop_recorded_entries(plan, {entry.digest for entry in self.entries})
        if plan.must_write:
            self.stored = plan.after
            self.entries += plan.history
            self.writes += 1
        return plan

    def members(self) -> dict[str, bytes]:
        assert self.stored is not None
        body = self.bodies[self.stored.configuration_id] if self.stored.configuration_id else "{}"
        return self.record_type.build_members(self.stored.columns, body)

    def is_same_as(self, snapshot: dict[str, Any]) -> bool:
        return lossless_json.is_same_json(lossless_json.join_members(self.members()), as_bytes(snapshot))

    @property
    def status(self) -> str:
        assert self.stored is not None
        assert not isinstance(self.stored.columns, AssistantColumns)
        return self.stored.columns.status or ""

    def _parse(self, index: int, snapshot: dict[str, Any]) -> ParsedRecord:
        record = self.record_type.parse(PROJECT, index, lossless_json.split_object(as_bytes(snapshot)))
        if record.configuration is not None:
            self.bodies[record.configuration_id] = record.configuration.body
        return record
