"""The types of records: how runs, steps, messages and assistants are parsed, keyed, stored and written back."""

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
from runs.enrichment import derived_fields
from runs.enrichment.error_grouping import ErrorSignature
from runs.models import (
    Assistant,
    Message,
    MessageObservation,
    Observation,
    PostedObservation,
    Project,
    Run,
    RunStep,
    StepObservation,
)
from runs.protocol.assistant import ASSISTANT_OBJECT, AssistantColumns, build_assistant_members, parse_assistant
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES, ParsedConfiguration
from runs.protocol.message import MESSAGE_OBJECT, MessageColumns, build_message_members, parse_message
from runs.protocol.responses.response import ResponseColumns
from runs.protocol.run import RUN_OBJECT, ParsedRun, RunColumns, build_run_members, parse_run
from runs.protocol.run_fast_path import parse_plain_run
from runs.protocol.step import STEP_OBJECT, StepColumns, build_step_members, parse_step

RecordColumns = RunColumns | StepColumns | MessageColumns | AssistantColumns | ResponseColumns


class ParsedRecord(Struct):
    """A valid posted object, with the key under which it is stored.

    `index` is its position in the body. Only runs have a configuration, and only failed ones an error signature.
    """

    index: int
    key: RowKey
    columns: RecordColumns
    configuration_id: uuid.UUID | None = None
    configuration: ParsedConfiguration | None = None
    error_signature: ErrorSignature | None = None


@dataclass(frozen=True)
class RecordType:
    """A type of records.

    `parse` takes an object's members and raises InvalidObject. `parse_fast` takes its JSON and returns None for
    anything unusual. `build_members` rebuilds the members from columns and the body of the configuration.
    `bookkeeping` are the columns that do not come from the posted object. `content_members` hold what the record is
    about; `mutable_members` may be changed or emptied by a later post. `observation_model` stores the history, if any.
    """

    name: str
    model: type[models.Model]
    columns_type: type[Any]
    key: tuple[str, ...]
    bookkeeping: tuple[str, ...]
    parse: Callable[[Project, int, Mapping[str, bytes]], ParsedRecord] = field(repr=False)
    build_members: Callable[[RecordColumns, str], dict[str, bytes]] = field(repr=False)
    content_members: frozenset[str]
    mutable_members: frozenset[str] = frozenset({"metadata"})
    observation_model: type[PostedObservation] | None = None
    parse_fast: Callable[[Project, int, bytes], ParsedRecord | None] = field(repr=False, default=lambda *_: None)

    @cached_property
    def table(self) -> UpsertTable:
        """The table that stores the records."""
        return UpsertTable(self.model, self.key, (*self.key, "project_id", *self._content_columns, *self.bookkeeping))

    @cached_property
    def get_content(self) -> Callable[[RecordColumns], tuple[Any, ...]]:
        """A function that returns the values of all columns outside the key, in the order of the table."""
        return attrgetter(*self._content_columns)

    @cached_property
    def get_insert_order(self) -> Callable[[ParsedRecord], Any]:
        """A function that returns the sort key of inserts: by creation, so that most indexes grow at their end."""
        is_timed = "created_at" in self.columns_type.__struct_fields__
        return attrgetter("columns.created_at", "key") if is_timed else attrgetter("key")

    @property
    def _content_columns(self) -> list[str]:
        return [name for name in self.columns_type.__struct_fields__ if name not in self.key]


def columns_by_name(columns: RecordColumns) -> dict[str, Any]:
    """Return the columns as a dictionary."""
    return {name: getattr(columns, name) for name in columns.__struct_fields__}


@lru_cache(maxsize=4096)
def make_configuration_id(namespace: uuid.UUID, assistant_id: str, digest: bytes) -> uuid.UUID:
    """Return the key of a configuration, a hash of the project's namespace, the assistant and the content."""
    seed = b"\0".join([namespace.bytes, assistant_id.encode(), digest])
    return uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest())


def _build_run_record(project: Project, index: int, run: ParsedRun) -> ParsedRecord:
    columns = run.columns
    configuration_id = make_configuration_id(project.namespace, columns.assistant_id, run.configuration.digest)
    derived = derived_fields.derive_run_fields(project, columns)
    columns.cost, columns.error_group_id = derived.cost, derived.error_group_id
    key = (project.record_id_hex(columns.external_id),)
    return ParsedRecord(index, key, columns, configuration_id, run.configuration, derived.error_signature)


def _parse_plain_run_record(project: Project, index: int, raw: bytes) -> ParsedRecord | None:
    run = parse_plain_run(raw)
    return None if run is None else _build_run_record(project, index, run)


def _parse_step_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    columns = parse_step(posted)
    return ParsedRecord(index, (project.record_id_hex(columns.run_external_id), columns.external_id), columns)


def _parse_message_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    columns = parse_message(posted)
    return ParsedRecord(index, (project.record_id_hex(columns.external_id),), columns)


def _parse_assistant_record(project: Project, index: int, posted: Mapping[str, bytes]) -> ParsedRecord:
    columns = parse_assistant(posted)
    return ParsedRecord(index, (project.record_id_hex(columns.external_id),), columns)


RECEIPT_COLUMNS = ("version", "received_at", "seen_at")
HISTORY_COLUMNS = ("received_key_id", "history_length")
_RUN_CONTENT = frozenset({"required_action", "last_error", "incomplete_details", "usage", *CONFIGURATION_FIELD_TYPES})
_STEP_CONTENT = frozenset({"step_details", "last_error", "usage"})
_MESSAGE_CONTENT = frozenset({"content", "attachments", "file_ids", "incomplete_details"})

RUNS = RecordType(
    name="runs",
    model=Run,
    columns_type=RunColumns,
    key=("id",),
    bookkeeping=("configuration_id", *RECEIPT_COLUMNS, *HISTORY_COLUMNS),
    parse=lambda project, index, posted: _build_run_record(project, index, parse_run(posted)),
    build_members=lambda columns, body: build_run_members(columns_by_name(columns), body),
    content_members=_RUN_CONTENT,
    observation_model=Observation,
    parse_fast=_parse_plain_run_record,
)
STEPS = RecordType(
    name="steps",
    model=RunStep,
    columns_type=StepColumns,
    key=("run_id", "external_id"),
    bookkeeping=("invalid_calls", "tool_outputs", *RECEIPT_COLUMNS, *HISTORY_COLUMNS),
    parse=_parse_step_record,
    build_members=lambda columns, _: build_step_members(columns_by_name(columns)),
    content_members=_STEP_CONTENT,
    observation_model=StepObservation,
)
MESSAGES = RecordType(
    name="messages",
    model=Message,
    columns_type=MessageColumns,
    key=("id",),
    bookkeeping=(*RECEIPT_COLUMNS, *HISTORY_COLUMNS),
    parse=_parse_message_record,
    build_members=lambda columns, _: build_message_members(columns_by_name(columns)),
    content_members=_MESSAGE_CONTENT,
    observation_model=MessageObservation,
)
ASSISTANTS = RecordType(
    name="assistants",
    model=Assistant,
    columns_type=AssistantColumns,
    key=("id",),
    bookkeeping=RECEIPT_COLUMNS,
    parse=_parse_assistant_record,
    build_members=lambda columns, _: build_assistant_members(columns_by_name(columns)),
    content_members=frozenset(),
    mutable_members=frozenset({"name", "metadata"}),
)
# By the value of the field `object`.
RECORD_TYPES = {RUN_OBJECT: RUNS, STEP_OBJECT: STEPS, MESSAGE_OBJECT: MESSAGES, ASSISTANT_OBJECT: ASSISTANTS}
