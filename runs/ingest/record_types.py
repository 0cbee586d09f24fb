"""What differs between runs, steps, messages and assistants on their way in; all else is shared."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

from django.db import models
from msgspec import Struct

from runs.db.upserts import RowKey, UpsertTable
from runs.enrichment import derived_fields, error_grouping
from runs.enrichment.error_grouping import ErrorSignature
from runs.ingest.merge import RecordColumns
from runs.models import Assistant, Message, Project, Run, RunStep
from runs.protocol import assistant, message, run, run_fast_path, step
from runs.protocol.assistant import AssistantColumns
from runs.protocol.configuration import ParsedConfiguration
from runs.protocol.message import MessageColumns
from runs.protocol.run import ParsedRun, RunColumns
from runs.protocol.step import StepColumns


class ParsedRecord(Struct):
    """One posted object that follows the protocol, with the key under which it is stored."""

    index: int
    key: RowKey
    record: RecordColumns
    configuration_id: uuid.UUID | None = None
    configuration: ParsedConfiguration | None = None
    group: ErrorSignature | None = None


@dataclass(frozen=True)
class RecordType:
    """One kind of record: how it is parsed, keyed, written back and stored."""

    name: str
    model: type[models.Model]
    record: type[Any]
    key: tuple[str, ...]
    bookkeeping: tuple[str, ...]
    _parse: Callable[[Project, int, Mapping[str, bytes]], ParsedRecord] = field(repr=False)
    members: Callable[[RecordColumns, str], dict[str, bytes]] = field(repr=False)
    _parse_plain: Callable[[Project, int, bytes], ParsedRecord | None] = field(repr=False, default=lambda *_: None)

    def parse(self, project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
        """Check the posted members and key them. Raises InvalidObject."""
        return self._parse(project, index, posted)

    def parse_plain(self, project: Project, index: int, raw: bytes) -> ParsedRecord | None:
        """The same for an object's text, in a fraction of the time, where nothing about it is unusual."""
        return self._parse_plain(project, index, raw)

    @cached_property
    def contents(self) -> Callable[[RecordColumns], tuple[Any, ...]]:
        """Gets the values of a record's columns that are not in its key, in the table's order."""
        return attrgetter(*(name for name in self.record.__struct_fields__ if name not in self.key))

    @cached_property
    def creation(self) -> Callable[[ParsedRecord], Any]:
        """Gets what sorts posts by their creation, in which order most indexes are filled from their end."""
        is_timed = "created_at" in self.record.__struct_fields__
        return attrgetter("record.created_at", "key") if is_timed else attrgetter("key")

    @cached_property
    def table(self) -> UpsertTable:
        """Where its records are stored."""
        content = [name for name in self.record.__struct_fields__ if name not in self.key]
        return UpsertTable(self.model, self.key, (*self.key, "project_id", *content, *self.bookkeeping))


def columns_by_name(record: RecordColumns) -> dict[str, Any]:
    """A record's columns by name."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


@lru_cache(maxsize=4096)
def make_configuration_id(namespace: uuid.UUID, assistant_id: str, digest: bytes) -> uuid.UUID:
    """The id of what a run was configured with: a hash of project, assistant and content."""
    seed = b"\0".join([namespace.bytes, assistant_id.encode(), digest])
    return uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest())


def _parse_run_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    return _build_run_record(project, index, run.parse_run(posted))


def _parse_plain_run_record(project: Project, index: int, raw: bytes) -> ParsedRecord | None:
    parsed = run_fast_path.parse_plain_run(raw)
    return None if parsed is None else _build_run_record(project, index, parsed)


def _build_run_record(project: Project, index: int, parsed: ParsedRun) -> ParsedRecord:
    configuration_id = make_configuration_id(
        project.namespace, parsed.columns.assistant_id, parsed.configuration.digest
    )
    key = (project.record_id_hex(parsed.columns.external_id),)
    parsed.columns.cost = derived_fields.estimate_run_cost(project, parsed.columns)
    group = derived_fields.find_error_signature(parsed.columns)
    if group is not None:
        parsed.columns.error_group_id = error_grouping.make_error_group_id(project.namespace, group)
    return ParsedRecord(index, key, parsed.columns, configuration_id, parsed.configuration, group)


def _parse_step_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    record = step.parse_step(posted)
    return ParsedRecord(index, (project.record_id_hex(record.run_external_id), record.external_id), record)


def _parse_message_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    record = message.parse_message(posted)
    return ParsedRecord(index, (project.record_id_hex(record.external_id),), record)


def _parse_assistant_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    record = assistant.parse_assistant(posted)
    return ParsedRecord(index, (project.record_id_hex(record.external_id),), record)


_RECEIPT_COLUMNS = ("version", "received_at", "seen_at")

RUNS = RecordType(
    "runs",
    Run,
    RunColumns,
    ("id",),
    ("configuration_id", *_RECEIPT_COLUMNS, "received_key_id", "history_length"),
    _parse_run_record,
    lambda record, body: run.build_run_members(columns_by_name(record), body),
    _parse_plain_run_record,
)
STEPS = RecordType(
    "steps",
    RunStep,
    StepColumns,
    ("run_id", "external_id"),
    ("misargued", "tool_outputs", *_RECEIPT_COLUMNS),
    _parse_step_record,
    lambda record, _: step.build_step_members(columns_by_name(record)),
)
MESSAGES = RecordType(
    "messages",
    Message,
    MessageColumns,
    ("id",),
    _RECEIPT_COLUMNS,
    _parse_message_record,
    lambda record, _: message.build_message_members(columns_by_name(record)),
)
ASSISTANTS = RecordType(
    "assistants",
    Assistant,
    AssistantColumns,
    ("id",),
    _RECEIPT_COLUMNS,
    _parse_assistant_record,
    lambda record, _: assistant.build_assistant_members(columns_by_name(record)),
)
# By the object's own word for itself.
RECORD_TYPES = {
    run.RUN_OBJECT: RUNS,
    step.STEP_OBJECT: STEPS,
    message.MESSAGE_OBJECT: MESSAGES,
    assistant.ASSISTANT_OBJECT: ASSISTANTS,
}
