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

from runs.db.upserts import Key, Table
from runs.enrichment import derived_fields, error_grouping
from runs.enrichment.error_grouping import Group
from runs.ingest.merge import Record
from runs.models import Assistant, Message, Project, Run, RunStep
from runs.protocol import assistant, message, run, run_fast_path, step
from runs.protocol.assistant import AssistantRecord
from runs.protocol.configuration import ParsedConfiguration
from runs.protocol.message import MessageRecord
from runs.protocol.run import ParsedRun, RunRecord
from runs.protocol.step import StepRecord


class Post(Struct):
    """One posted object that follows the protocol, with the key under which it is stored."""

    index: int
    key: Key
    record: Record
    configuration_id: uuid.UUID | None = None
    configuration: ParsedConfiguration | None = None
    group: Group | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of record: how it is parsed, keyed, written back and stored."""

    name: str
    model: type[models.Model]
    record: type[Any]
    key: tuple[str, ...]
    bookkeeping: tuple[str, ...]
    _parse: Callable[[Project, int, Mapping[str, bytes]], Post] = field(repr=False)
    members: Callable[[Record, str], dict[str, bytes]] = field(repr=False)
    _parse_plain: Callable[[Project, int, bytes], Post | None] = field(repr=False, default=lambda *_: None)

    def parse(self, project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
        """Check the posted members and key them. Raises InvalidObject."""
        return self._parse(project, index, posted)

    def parse_plain(self, project: Project, index: int, raw: bytes) -> Post | None:
        """The same for an object's text, in a fraction of the time, where nothing about it is unusual."""
        return self._parse_plain(project, index, raw)

    @cached_property
    def contents(self) -> Callable[[Record], tuple[Any, ...]]:
        """Gets the values of a record's columns that are not in its key, in the table's order."""
        return attrgetter(*(name for name in self.record.__struct_fields__ if name not in self.key))

    @cached_property
    def creation(self) -> Callable[[Post], Any]:
        """Gets what sorts posts by their creation, in which order most indexes are filled from their end."""
        is_timed = "created_at" in self.record.__struct_fields__
        return attrgetter("record.created_at", "key") if is_timed else attrgetter("key")

    @cached_property
    def table(self) -> Table:
        """Where its records are stored."""
        content = [name for name in self.record.__struct_fields__ if name not in self.key]
        return Table(self.model, self.key, (*self.key, "project_id", *content, *self.bookkeeping))


def columns_of(record: Record) -> dict[str, Any]:
    """A record's columns by name."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


@lru_cache(maxsize=4096)
def configuration_key(namespace: uuid.UUID, assistant_id: str, digest: bytes) -> uuid.UUID:
    """The id of what a run was configured with: a hash of project, assistant and content."""
    seed = b"\0".join([namespace.bytes, assistant_id.encode(), digest])
    return uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest())


def _parse_run(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    return _run_post(project, index, run.parse(posted))


def _parse_plain_run(project: Project, index: int, raw: bytes) -> Post | None:
    parsed = run_fast_path.parse(raw)
    return None if parsed is None else _run_post(project, index, parsed)


def _run_post(project: Project, index: int, parsed: ParsedRun) -> Post:
    configuration_id = configuration_key(project.namespace, parsed.record.assistant_id, parsed.configuration.digest)
    key = (project.key_text(parsed.record.external_id),)
    parsed.record.cost = derived_fields.cost_of(project, parsed.record)
    group = derived_fields.group_of(parsed.record)
    if group is not None:
        parsed.record.error_group_id = error_grouping.key(project.namespace, group)
    return Post(index, key, parsed.record, configuration_id, parsed.configuration, group)


def _parse_step(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    record = step.parse(posted)
    return Post(index, (project.key_text(record.run_external_id), record.external_id), record)


def _parse_message(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    record = message.parse(posted)
    return Post(index, (project.key_text(record.external_id),), record)


def _parse_assistant(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    record = assistant.parse(posted)
    return Post(index, (project.key_text(record.external_id),), record)


_RECEIPT = ("version", "received_at", "seen_at")

RUNS = Kind(
    "runs",
    Run,
    RunRecord,
    ("id",),
    ("configuration_id", *_RECEIPT, "received_key_id", "history_length"),
    _parse_run,
    lambda record, body: run.members(columns_of(record), body),
    _parse_plain_run,
)
STEPS = Kind(
    "steps",
    RunStep,
    StepRecord,
    ("run_id", "external_id"),
    ("misargued", "tool_outputs", *_RECEIPT),
    _parse_step,
    lambda record, _: step.members(columns_of(record)),
)
MESSAGES = Kind(
    "messages",
    Message,
    MessageRecord,
    ("id",),
    _RECEIPT,
    _parse_message,
    lambda record, _: message.members(columns_of(record)),
)
ASSISTANTS = Kind(
    "assistants",
    Assistant,
    AssistantRecord,
    ("id",),
    _RECEIPT,
    _parse_assistant,
    lambda record, _: assistant.members(columns_of(record)),
)
# By the object's own word for itself.
KINDS = {run.OBJECT: RUNS, step.OBJECT: STEPS, message.OBJECT: MESSAGES, assistant.OBJECT: ASSISTANTS}
